"""How an object was selected in the image: clicks, box, mask file, automatically, or derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

from sounddesk.domain.mask import Box

SelectionHow = Literal["clicks", "box", "words", "mask_file", "auto", "whole", "complement", "union"]
# What a segmenter is asked for.
PROMPTED: Final[tuple[SelectionHow, ...]] = ("clicks", "box", "words")
# Of the candidates of an ambiguous click, from the smallest to the largest.
Scale = Literal["part", "thing", "group"]
SCALES: Final[tuple[Scale, ...]] = ("part", "thing", "group")

_OMITTED: Final = {"omit_default": True}


@dataclass(frozen=True, kw_only=True)
class Click:
    """One click at pixel (x, y): on the object, or (`positive` False) on what does not belong to it."""

    x: int
    y: int
    positive: bool = True


@dataclass(frozen=True, kw_only=True)
class Selection:
    """How an object was selected.

    Attributes:
        how: 'clicks', 'box', 'words' or 'mask_file' by the user; 'auto' proposed by a segmenter; 'whole' the full
            image; 'complement' what the other objects leave over; 'union' the objects of a blend together.
        clicks: in their order; at least one for 'clicks', and allowed beside a box.
        box: the box, for 'box'.
        words: such as 'the dog on the left', for 'words'.
        mask_file: path as given, for 'mask_file'.
        candidate: which candidate of a single click is meant; None for the best one.
        extra: keys of newer versions, kept as read.

    Raises:
        ValueError: what `how` needs is missing.
    """

    how: SelectionHow
    clicks: tuple[Click, ...] = field(default=(), metadata=_OMITTED)
    box: Box | None = field(default=None, metadata=_OMITTED)
    words: str | None = field(default=None, metadata=_OMITTED)
    mask_file: str | None = field(default=None, metadata=_OMITTED)
    candidate: Scale | None = field(default=None, metadata=_OMITTED)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.how == "clicks" and not any(click.positive for click in self.clicks):
            raise ValueError("selection by clicks has no click on the object: give at least one")
        if self.how == "box" and (self.box is None or self.box.width < 1 or self.box.height < 1):
            raise ValueError("selection by box has no box of at least one pixel: give left, top, right, bottom")
        if self.how == "words" and not (self.words or "").strip():
            raise ValueError("selection by words has no words: say what is meant, e.g. 'the dog on the left'")
        if self.how == "mask_file" and not self.mask_file:
            raise ValueError("selection by mask file names no file: give its path")


def split_mask_reference(reference: str) -> tuple[Path, str | None]:
    """'ids.png#3' -> the file and which of its masks is meant; None where the reference names a file alone.

    A file's name may hold '#' itself: the first split that names a file counts.
    """
    path = Path(reference)
    if not path.is_file():
        places = (index for index, letter in enumerate(reference) if letter == "#")
        for at in places:
            if at and reference[at + 1 :] and Path(reference[:at]).is_file():
                return Path(reference[:at]), reference[at + 1 :]
    return path, None


@dataclass(frozen=True, kw_only=True)
class ObjectSpec:
    """One object as the user wrote it: its name, and how it is selected."""

    name: str
    selection: Selection
