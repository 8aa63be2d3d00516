"""The segmenters there are, each registered by a module of its own.

To add one, put a module into `segmenters/entries` that registers a `SegmenterEntry` here; the choice, `--help`, the
preferences, `doctor` and the contract test take it from there.
"""

from __future__ import annotations

from typing import Final

from sounddesk.domain.registry import Registry
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.segmenters.entry import CheckpointFormat
from sounddesk.engine.segmenters.entry import SegmenterEntry

SEGMENTERS: Final[Registry[SegmenterEntry]] = Registry(
    "segmenter",
    package="sounddesk.engine.segmenters.entries",
    # By name only: what belongs to the starter alone stands with the starter.
    modules=("sounddesk.engine.starter.segmenter_entry",),
)


MODEL_USERS.register(
    ModelUser(
        name="segmenters",
        uses=lambda entry: any(model.id == entry.id for segmenter in SEGMENTERS for model in segmenter.models),
    )
)


def ranked_segmenters() -> tuple[SegmenterEntry, ...]:
    """All of them, the preferred one first."""
    return tuple(sorted(SEGMENTERS, key=lambda entry: (entry.rank, entry.name)))


def checkpoint_formats() -> tuple[CheckpointFormat, ...]:
    """What a user may name as a checkpoint, in the order in which a path is looked at."""
    return tuple(entry.checkpoint for entry in ranked_segmenters() if entry.checkpoint is not None)


def checkpoint_help() -> str:
    """What a user may name as a checkpoint, in words, e.g. 'a folder of SAM 2, or a file of SAM'."""
    return ", or ".join(each.description for each in checkpoint_formats())


def checkpoint_suffixes() -> tuple[str, ...]:
    """Endings of the files among them, e.g. '.pth'."""
    return tuple(dict.fromkeys(suffix for each in checkpoint_formats() for suffix in each.suffixes))
