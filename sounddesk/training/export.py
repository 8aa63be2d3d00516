"""Exports finished training runs as a bundle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle import BundleSource
from sounddesk.engine.bundles.bundle import ComponentSource
from sounddesk.engine.bundles.bundle import write_bundle
from sounddesk.engine.bundles.bundle_manifest import DenoiserSettings
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.licence import Licence
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import copy_files
from sounddesk.storage.text_formats import read_json
from sounddesk.storage.text_formats import read_yaml
from sounddesk.training.loop.provenance import PROVENANCE_NAME
from sounddesk.training.loop.provenance import Provenance
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.run_recipe import AudioRecipe
from sounddesk.training.runner import FULL_RECIPE_NAME

ROLES = {
    "unet": "UNet2DConditionModel",
    "injection": "ObjectAttnProcessor",
    "scheduler": "DDIMScheduler",
    "grounding": "ObjectConditioner",
    "vae": "AutoencoderKL",
    "vocoder": "IstftVocoder",
    "image_encoder": "TimmPatchEncoder",
    "text_encoder": "SentenceEncoder",
    "segmenter": "StarterSegmenter",
    "detail": "SpectralDetail",
}


@dataclass(frozen=True, kw_only=True)
class LicenceRecipe:
    """Terms of the weights, as `bundle.json` states them."""

    name: str
    commercial: str
    spdx: str | None = None
    note: str = ""
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class BundleRecipe:
    """A bundle to assemble from trained components.

    Attributes:
        folders: by role, the folder that holds the component (relative to the working directory).
        storage: by role, how weights are stored; float16 where nothing is said.
        origin: by role, where the weights came from.
        documents: files by their path in the bundle.
        grounding: changes to the grounding's configuration, e.g. `hint_blend` found after training.
    """

    name: str
    version: str
    licence: LicenceRecipe
    audio: AudioRecipe
    folders: dict[str, Any]
    storage: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    grounding: dict[str, Any] = field(default_factory=dict)
    card: str | None = None


def export_bundle(
    recipe_file: Path, target: Path, *, overrides: tuple[str, ...] = (), overwrite: bool = False
) -> Bundle:
    """Write the bundle that a recipe describes, as a whole or not at all.

    Raises:
        TrainingRecipeError: a key is wrong, named.
        BundleError: a component is missing or holds files that bundles do not allow.
        FileExistsError: `target` exists and `overwrite` is false.
    """
    recipe = build(BundleRecipe, read_recipe(recipe_file, overrides))
    with tempfile.TemporaryDirectory() as scratch:
        grounding, folder = _grounding(Path(recipe.folders["grounding"]), recipe.grounding, Path(scratch))
        folders = {role: Path(path) for role, path in recipe.folders.items()} | {"grounding": folder}
        commercial: Any = recipe.licence.commercial
        source = BundleSource(
            name=recipe.name,
            version=recipe.version,
            licence=Licence(
                name=recipe.licence.name,
                commercial=commercial,
                spdx=recipe.licence.spdx,
                note=recipe.licence.note,
                url=recipe.licence.url,
            ),
            audio=recipe.audio.spec(),
            grounding=grounding,
            components={
                role: ComponentSource(
                    class_name=ROLES[role],
                    folder=path,
                    weight_storage=recipe.storage.get(role, "float16"),
                    origin=recipe.origin.get(role),
                )
                for role, path in folders.items()
            },
            documents={name: Path(path) for name, path in recipe.documents.items()},
            card=recipe.card,
        )
        return write_bundle(source, target, overwrite=overwrite)


def export_run(run_dir: Path, target: Path, *, base: str | None = None, overwrite: bool = False) -> Bundle:
    """Write a bundle of a run's export: what the run trained, and everything else from the bundle it started from.

    Name is the run folder's; the base's licence, model card and documents come along, and each trained component
    names the base and its hash as its origin.

    Args:
        base: bundle for what the run did not train; by default the one that the run says it started from.

    Raises:
        TrainingRecipeError: not a finished run, or one that names no base.
        BundleError: the base is missing or changed since the run.
        FileExistsError: `target` exists and `overwrite` is false.
    """
    export = run_dir / "export"
    if not export.is_dir():
        raise TrainingRecipeError(
            f"{run_dir} holds no export: finish it first ('sounddesk train run' goes on where it stopped)"
        )
    provenance = Provenance.read(export)
    if base is None and provenance is None:
        raise TrainingRecipeError(
            f"the run in {run_dir} started from no bundle: name the one for the other parts with --base"
        )
    bundle = find_bundle(base or provenance.base) if provenance is not None else find_bundle(str(base))
    bundle.verify()
    if provenance is not None and base is None and provenance.sha256 != bundle.sha256:
        raise BundleError(f"bundle {bundle.name!r} is not the one that the run started from: name that one with --base")
    trained = {path.name: path for path in export.iterdir() if path.name in ROLES}
    if not trained:
        raise TrainingRecipeError(f"{export} holds no component of a bundle ({', '.join(ROLES)})")
    _check_exported_grid(bundle, trained)
    origin = provenance.text() if provenance is not None else f"trained beside {bundle.name} (sha256 {bundle.sha256})"
    components = {
        role: ComponentSource(
            class_name=entry.class_name,
            folder=bundle.component_folder(role),
            weight_storage=entry.weight_storage,
            origin=entry.origin,
        )
        for role, entry in bundle.manifest.components.items()
    }
    for role, folder in trained.items():
        known = bundle.manifest.components.get(role)
        class_name = known.class_name if known is not None else ROLES[role]
        components[role] = ComponentSource(class_name=class_name, folder=folder, origin=origin)
    grounding = dict(bundle.manifest.grounding)
    if "grounding" in trained:
        grounding = read_json(trained["grounding"] / "config.json")
    documents = {name: bundle.document(name) for name in bundle.manifest.documents}
    if (export / PROVENANCE_NAME).is_file():
        documents[f"training/{PROVENANCE_NAME}"] = export / PROVENANCE_NAME
    licence = Licence(**provenance.licence) if provenance is not None else bundle.manifest.licence
    source = BundleSource(
        name=target.name,
        version="1",
        licence=licence,
        audio=bundle.audio,
        grounding=grounding,
        components=components,
        denoiser=_denoiser_settings(run_dir, bundle),
        documents=documents,
        card=bundle.manifest.card,
    )
    recipe = run_dir / FULL_RECIPE_NAME
    with tempfile.TemporaryDirectory() as scratch:
        if recipe.is_file():
            copy = Path(scratch) / "recipe.txt"
            copy.write_text(yaml.safe_dump(_without_folders(read_yaml(recipe)), sort_keys=False), encoding="utf-8")
            documents[f"training/{copy.name}"] = copy
        return write_bundle(source, target, overwrite=overwrite)


def _without_folders(value: Any) -> Any:
    """A recipe whose paths are their last names: a bundle is handed on, and nobody else has these folders."""
    if isinstance(value, dict):
        return {key: _without_folders(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_folders(each) for each in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _denoiser_settings(run_dir: Path, bundle: Bundle) -> DenoiserSettings:
    """The base's settings, with the injection that the run was trained with."""
    path = run_dir / FULL_RECIPE_NAME
    model = read_recipe(path).get("model", {}) if path.is_file() else {}
    inject = model.get("inject", bundle.manifest.denoiser.inject)
    return replace(bundle.manifest.denoiser, inject=inject)


def _check_exported_grid(bundle: Bundle, trained: Mapping[str, Path]) -> None:
    if "grounding" not in trained:
        return
    config = read_json(trained["grounding"] / "config.json")
    for key in ("grid", "patch_width"):
        there, made = bundle.manifest.grounding[key], config[key]
        if list(there) != list(made) if key == "grid" else there != made:
            raise TrainingRecipeError(
                f"the run's grounding has {key} {made}, bundle {bundle.name!r} {there}: choose another --base"
            )


def _grounding(folder: Path, changes: Mapping[str, Any], scratch: Path) -> tuple[dict[str, Any], Path]:
    """The grounding's configuration with `changes` applied, and a copy of its folder with that configuration."""
    config = {**read_json(folder / "config.json"), **changes}
    copy = scratch / "grounding"
    copy_files(folder, copy)
    (copy / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return config, copy
