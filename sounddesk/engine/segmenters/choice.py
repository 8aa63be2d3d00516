"""Which segmenter is active: SAM or SAM 2 where one is given or installed, else the bundle's own, else GrabCut.

The notice is shown to the user, so that nobody judges SAM by the starter's masks, or either by GrabCut's. torch is
imported only where a segmenter needs it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import SEGMENTER_ROLE
from sounddesk.engine.bundles.installed_bundles import STARTER_NAME
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import list_models
from sounddesk.engine.catalogue.model_store import models_folder
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.protocol import SegmenterError

CHECKPOINT_VARIABLE: Final = "SOUNDDESK_SAM_CHECKPOINT"
# What a folder of transformers holds and a checkpoint of SAM does not.
CONFIG_FILE: Final = "config.json"
_SUFFIXES: Final = (".pth", ".safetensors")
# Of installed models: the quickest on a CPU, the most exact ones elsewhere.
_QUICKEST: Final = (
    "sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus", "sam-vit-b", "sam2.1-large", "sam-vit-l", "sam-vit-h",
)  # fmt: skip
_MOST_EXACT: Final = (
    "sam2.1-large", "sam-vit-h", "sam2.1-base-plus", "sam-vit-l", "sam2.1-small", "sam-vit-b", "sam2.1-tiny",
)  # fmt: skip
_ADVICE: Final = "for better masks give a SAM checkpoint with --sam FILE"
_GRABCUT: Final = "GrabCut (embedded)"


@dataclass(frozen=True, kw_only=True)
class SegmenterChoice:
    """The active segmenter.

    Attributes:
        segmenter: ready to encode.
        notice: one line for the user that names it.
        notes: what else the user should know, e.g. that the checkpoint is not one of the published ones.
    """

    segmenter: Segmenter
    notice: str
    notes: tuple[str, ...] = ()


def installed_models_folder() -> Path:
    """Where checkpoints are looked for, besides the models that `sounddesk models install` put there."""
    return models_folder()


@constructing()
def choose_segmenter(
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    environment: Mapping[str, str] | None = None,
    models_folder: Path | None = None,
    bundle: str | Path | Bundle = STARTER_NAME,
) -> SegmenterChoice:
    """The segmenter for the checkpoint given, named in the environment or installed, in this order; else a bundle's.

    Args:
        checkpoint: what `--sam` names: a file of SAM, or a folder of SAM 2.
        device: where SAM runs, as torch writes it, e.g. 'cuda:0'.
        environment: variables to read; the process's own by default.
        models_folder: where installed checkpoints lie; `installed_models_folder()` by default.
        bundle: whose segmenter; where it has none, the starter's.

    Raises:
        SegmenterError: the checkpoint named cannot be used. One that merely lies installed and cannot be used
            does not stop the work: the next in the order takes over and the notice says why.
    """
    variables = os.environ if environment is None else environment
    if checkpoint is not None:
        return _sam(Path(checkpoint), device=device)
    named = variables.get(CHECKPOINT_VARIABLE, "").strip()
    if named:
        try:
            return _sam(Path(named), device=device)
        except SegmenterError as error:
            raise SegmenterError(f"{CHECKPOINT_VARIABLE}: {error}") from error
    root = installed_models_folder() if models_folder is None else models_folder
    model = _installed_model(root, device=device)
    installed = _installed(root, device=device)
    problem = ""
    if model is not None or installed is not None:
        try:
            if model is not None:
                return _from_model(model, device=device)
            assert installed is not None
            return _sam(installed, device=device)
        except EngineError as error:
            problem = f", because the installed SAM cannot be used: {error}"
    return _embedded(bundle, device=device, problem=problem)


def _embedded(bundle: str | Path | Bundle, *, device: str, problem: str) -> SegmenterChoice:
    """The segmenter of the bundle, of the starter where it has none, and GrabCut where that fails too.

    `problem`: why nothing better could be used.
    """
    for each in (bundle, STARTER_NAME):
        try:
            found = each if isinstance(each, Bundle) else find_bundle(each)
            if SEGMENTER_ROLE not in found.manifest.components:
                continue
            from sounddesk.engine.starter.segmenter import StarterSegmenter

            segmenter = StarterSegmenter.from_bundle(found, device=device)
        except EngineError as error:
            name = each.name if isinstance(each, Bundle) else str(each)
            problem = problem or f", because the segmenter of bundle {name!r} cannot be used: {error}"
            continue
        return SegmenterChoice(
            segmenter=segmenter,
            notice=f"segmenter: {segmenter.name} (small, from bundle {found.name!r}){problem or f'; {_ADVICE}'}",
        )
    return SegmenterChoice(segmenter=GrabCutSegmenter(), notice=f"segmenter: {_GRABCUT}{problem or f'; {_ADVICE}'}")


def _installed(folder: Path, *, device: str) -> Path | None:
    """The best installed checkpoint: the quickest type on a CPU, the most exact one elsewhere."""
    order = ("vit_b", "vit_l", "vit_h") if device == "cpu" else ("vit_h", "vit_l", "vit_b")

    def rank(file: Path) -> tuple[int, str]:
        return next((i for i, kind in enumerate(order) if kind in file.name), len(order)), file.name

    if not folder.is_dir():
        return None
    files = [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.name.startswith("sam")]
    return min(files, key=rank, default=None)


def _installed_model(root: Path, *, device: str) -> InstalledModel | None:
    """The best of the segmenters that `sounddesk models install` put there."""
    order = _QUICKEST if device == "cpu" else _MOST_EXACT
    models = [listing.model for listing in list_models(root) if listing.model is not None]

    def rank(model: InstalledModel) -> tuple[int, str]:
        return order.index(model.id) if model.id in order else len(order), model.id

    return min((model for model in models if model.kind == "segmenter"), key=rank, default=None)


def installed_sam2(root: Path | None = None, *, device: str = "cpu") -> InstalledModel | None:
    """The best installed SAM 2, which can also follow objects through a shot; None where there is none."""
    order = _QUICKEST if device == "cpu" else _MOST_EXACT
    listings = list_models(models_folder() if root is None else root)
    found = [each.model for each in listings if each.model is not None and CONFIG_FILE in each.model.files]
    known = [model for model in found if model.kind == "segmenter"]
    return min(known, key=lambda model: order.index(model.id) if model.id in order else len(order), default=None)


def _from_model(model: InstalledModel, *, device: str) -> SegmenterChoice:
    """Load an installed segmenter, each of its files checked first. Raises: EngineError."""
    model.verify()
    notice = f"segmenter: {model.name} (installed) on {device}"
    if CONFIG_FILE in model.files:
        from sounddesk.engine.segmenters.sam2 import Sam2Segmenter

        return SegmenterChoice(
            segmenter=Sam2Segmenter.from_folder(model.folder, name=model.name, device=device), notice=notice
        )
    from sounddesk.engine.segmenters.sam import SamSegmenter

    weights = next((path for path in model.files if path.endswith(".safetensors")), None)
    if weights is None:
        raise SegmenterError(f"model {model.id!r} holds no weights: install it again")
    return SegmenterChoice(
        # Its record says where it came from.
        segmenter=SamSegmenter.from_checkpoint(model.file(weights), device=device, known_origin=True),
        notice=notice,
    )


def _sam(checkpoint: Path, *, device: str) -> SegmenterChoice:
    if checkpoint.is_dir():
        from sounddesk.engine.segmenters.sam2 import Sam2Segmenter

        return SegmenterChoice(
            segmenter=Sam2Segmenter.from_folder(checkpoint, device=device),
            notice=f"segmenter: SAM 2 ({checkpoint.name}) on {device}",
        )
    from sounddesk.engine.segmenters.sam import SamSegmenter

    segmenter = SamSegmenter.from_checkpoint(checkpoint, device=device)
    return SegmenterChoice(
        segmenter=segmenter,
        notice=f"segmenter: {segmenter.name} ({checkpoint.name}) on {device}",
        notes=segmenter.notes,
    )
