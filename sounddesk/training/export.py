"""From finished training runs to a bundle."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from sounddesk.engine.bundle import Bundle
from sounddesk.engine.bundle import BundleSource
from sounddesk.engine.bundle import ComponentSource
from sounddesk.engine.bundle import write_bundle
from sounddesk.engine.bundle_manifest import Licence
from sounddesk.training.recipe import build
from sounddesk.training.recipe import read_recipe
from sounddesk.training.runner import AudioRecipe

ROLES = {
    "unet": "UNet2DConditionModel",
    "injection": "ObjectAttnProcessor",
    "scheduler": "DDIMScheduler",
    "grounding": "ObjectConditioner",
    "vae": "AutoencoderKL",
    "vocoder": "IstftVocoder",
    "image_encoder": "TimmPatchEncoder",
    "text_encoder": "SentenceEncoder",
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
    """What to put together.

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
        RecipeError: a key is wrong, named.
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


def _grounding(folder: Path, changes: Mapping[str, Any], scratch: Path) -> tuple[dict[str, Any], Path]:
    """The grounding's configuration with `changes`, and a copy of its folder that says the same."""
    config = {**json.loads((folder / "config.json").read_text()), **changes}
    copy = scratch / "grounding"
    shutil.copytree(folder, copy)
    (copy / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return config, copy
