"""Which segmenter is active: SAM where a checkpoint is given or installed, GrabCut otherwise; free of torch.

The notice is shown to the user, so that nobody judges SAM by GrabCut's masks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.engine.model_store import models_folder
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.protocol import SegmenterError

CHECKPOINT_VARIABLE: Final = "SOUNDDESK_SAM_CHECKPOINT"
_SUFFIXES: Final = (".pth", ".safetensors")
_ADVICE: Final = "for better masks give a SAM checkpoint with --sam FILE"


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


def choose_segmenter(
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    environment: Mapping[str, str] | None = None,
    models_folder: Path | None = None,
) -> SegmenterChoice:
    """The segmenter for the checkpoint given, named in the environment or installed, in this order.

    Args:
        checkpoint: what `--sam` names.
        device: where SAM runs, as torch writes it, e.g. 'cuda:0'.
        environment: variables to read; the process's own by default.
        models_folder: where installed checkpoints lie; `installed_models_folder()` by default.

    Raises:
        SegmenterError: the checkpoint named cannot be used. One that merely lies installed and cannot be used
            does not stop the work: GrabCut takes over and the notice says why.
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
    installed = _installed(installed_models_folder() if models_folder is None else models_folder, device=device)
    if installed is not None:
        try:
            return _sam(installed, device=device)
        except SegmenterError as error:
            return SegmenterChoice(
                segmenter=GrabCutSegmenter(),
                notice=f"segmenter: GrabCut (embedded), because the installed SAM cannot be used: {error}",
            )
    return SegmenterChoice(segmenter=GrabCutSegmenter(), notice=f"segmenter: GrabCut (embedded); {_ADVICE}")


def _installed(folder: Path, *, device: str) -> Path | None:
    """The best installed checkpoint: the quickest type on a CPU, the most exact one elsewhere."""
    order = ("vit_b", "vit_l", "vit_h") if device == "cpu" else ("vit_h", "vit_l", "vit_b")

    def rank(file: Path) -> tuple[int, str]:
        return next((i for i, kind in enumerate(order) if kind in file.name), len(order)), file.name

    if not folder.is_dir():
        return None
    files = [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.name.startswith("sam")]
    return min(files, key=rank, default=None)


def _sam(checkpoint: Path, *, device: str) -> SegmenterChoice:
    from sounddesk.engine.segmenters.sam import SamSegmenter

    segmenter = SamSegmenter.from_checkpoint(checkpoint, device=device)
    return SegmenterChoice(
        segmenter=segmenter,
        notice=f"segmenter: {segmenter.name} ({checkpoint.name}) on {device}",
        notes=segmenter.notes,
    )
