"""Segment Anything: a published checkpoint, installed, copied into the models folder or named by the user."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final

from sounddesk.engine.segmenters.entry import Capabilities
from sounddesk.engine.segmenters.entry import CheckpointFormat
from sounddesk.engine.segmenters.entry import FoundSegmenter
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.entry import RankedModel
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.entry import Tier
from sounddesk.engine.segmenters.entry import rank_of
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.registry import SEGMENTERS

if TYPE_CHECKING:
    from sounddesk.engine.catalogue.model_store import InstalledModel

_SUFFIXES: Final = (".pth", ".safetensors")
_WHAT: Final = "the installed SAM"
_MODELS: Final = (
    RankedModel(id="sam-vit-b", cpu_rank=3, accelerator_rank=5),
    RankedModel(id="sam-vit-l", cpu_rank=5, accelerator_rank=3),
    RankedModel(id="sam-vit-h", cpu_rank=6, accelerator_rank=1),
)
# In the names of loose files, the quickest first.
_TYPES: Final = ("vit_b", "vit_l", "vit_h")


def _find(search: Search) -> Iterator[FoundSegmenter]:
    for model in search.models:
        # A folder of transformers, such as SAM 2's.
        if "config.json" not in model.files:
            yield FoundSegmenter(
                what=_WHAT,
                tier=Tier.INSTALLED,
                rank=rank_of(_MODELS, model.id, device=search.device),
                load=partial(_load_installed, model, device=search.device),
            )
    files = sorted(search.folder.iterdir()) if search.folder.is_dir() else []
    for file in files:
        if file.suffix in _SUFFIXES and file.name.startswith("sam"):
            yield FoundSegmenter(
                what=_WHAT,
                tier=Tier.LOOSE_FILE,
                rank=_rank_of_file(file, device=search.device),
                load=partial(_load_file, file, search.device),
            )


def _rank_of_file(file: Path, *, device: str) -> int:
    order = _TYPES if device == "cpu" else _TYPES[::-1]
    return next((rank for rank, kind in enumerate(order) if kind in file.name), len(order))


def _load_installed(model: InstalledModel, *, device: str) -> LoadedSegmenter:
    from sounddesk.engine.segmenters.sam import SamSegmenter

    model.verify()
    weights = next((path for path in model.files if path.endswith(".safetensors")), None)
    if weights is None:
        raise SegmenterError(f"model {model.id!r} holds no weights: install it again")
    # Its record says where it came from.
    segmenter = SamSegmenter.from_checkpoint(model.file(weights), device=device, known_origin=True)
    return LoadedSegmenter(segmenter=segmenter, label=f"{model.name} (installed) on {device}")


def _load_file(path: Path, device: str) -> LoadedSegmenter:
    from sounddesk.engine.segmenters.sam import SamSegmenter

    segmenter = SamSegmenter.from_checkpoint(path, device=device)
    return LoadedSegmenter(
        segmenter=segmenter, label=f"{segmenter.name} ({path.name}) on {device}", notes=segmenter.notes
    )


ENTRY = SEGMENTERS.register(
    SegmenterEntry(
        name="sam",
        title="SAM",
        rank=20,
        capabilities=Capabilities(proposes=True),
        find=_find,
        models=_MODELS,
        checkpoint=CheckpointFormat(
            description="a file of SAM",
            suffixes=_SUFFIXES,
            # Whatever the file is called, and one that is missing: loading says what is wrong with it.
            accepts=lambda path: not path.is_dir(),
            load=_load_file,
        ),
    )
)
