"""The frames of a folder in the order in which people count, every Nth of them, and the shards they fall into."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.naming import unique_file_stems

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"})

_DIGITS: Final = re.compile(r"(\d+)", re.ASCII)
# Names in the output folder that are the batch's own.
_TAKEN: Final = ("index", "manifest", "batch", "beds")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One image of the folder.

    Attributes:
        path: the file.
        index: its place among all frames of the folder, from 0.
        output: name of its folder in the batch's output.
    """

    path: Path
    index: int
    output: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def number(self) -> int | None:
        """The frame number: the last run of digits in 'shot_a.0042.png'; None where there is none."""
        return frame_number(self.path)


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One of `count` equal parts of the work, `index` from 1."""

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"shard is {self.index}/{self.count}: give I/N with I from 1 to N")

    @property
    def is_whole(self) -> bool:
        return self.count == 1

    def holds(self, position: int) -> bool:
        """Whether the item at `position` (from 0) belongs to this shard."""
        return position % self.count == self.index - 1


def frame_number(path: Path) -> int | None:
    """The last run of digits in the file's name without ending."""
    runs = _DIGITS.findall(path.stem)
    return int(runs[-1]) if runs else None


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which 'shot.9' comes before 'shot.10', whatever the case or Unicode form."""
    parts = _DIGITS.split(unicodedata.normalize("NFC", name).casefold())
    # The name itself last, so that 'a.01' and 'a.1' have an order of their own on every machine.
    return (*((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part), (2, 0, name))


def find_frames(folder: Path) -> tuple[Frame, ...]:
    """All images of a folder in natural order; hidden files and other endings are left out.

    Raises:
        BadInputError: no such folder, or no image in it.
    """
    try:
        names = [each.name for each in folder.iterdir() if each.suffix.lower() in SUFFIXES]
    except NotADirectoryError:
        raise BadInputError(f"{folder} is a file: name the folder that holds the frames") from None
    except OSError as error:
        raise BadInputError(f"{folder} cannot be read ({error.strerror}): name a folder that holds frames") from error
    names = sorted((name for name in names if not name.startswith(".")), key=natural_key)
    if not names:
        raise BadInputError(f"{folder} holds no image: name a folder with PNG, JPEG, TIFF, WebP, BMP or GIF files")
    outputs = unique_file_stems([Path(name).stem for name in names], taken=_TAKEN)
    return tuple(
        Frame(path=folder / name, index=index, output=output)
        for index, (name, output) in enumerate(zip(names, outputs, strict=True))
    )


@dataclass(frozen=True, kw_only=True)
class FrameRun:
    """Frames whose names differ in their number alone: 'shot.#.png', the first and the last of them, how many."""

    pattern: str
    first: str
    last: str
    count: int


def runs_of(frames: Sequence[Frame]) -> tuple[FrameRun, ...]:
    """The sequences that frames in natural order fall into, in the order of their first frames."""
    names: dict[str, list[str]] = {}
    for frame in frames:
        numbers = list(_DIGITS.finditer(frame.path.stem))
        if numbers:
            start, end = numbers[-1].span()
            pattern = frame.name[:start] + "#" + frame.name[end:]
        else:
            pattern = frame.name
        names.setdefault(pattern, []).append(frame.name)
    return tuple(
        FrameRun(pattern=pattern, first=each[0], last=each[-1], count=len(each)) for pattern, each in names.items()
    )


def every_nth(frames: Sequence[Frame], every: int) -> tuple[Frame, ...]:
    """The first frame and every `every`th after it.

    Raises:
        BadInputError: `every` below 1.
    """
    if every < 1:
        raise BadInputError(f"every is {every}: choose 1 for each frame, 2 for every second one, and so on")
    return tuple(frames[::every])


def mask_files_by_frame(folder: Path, frames: Sequence[Frame]) -> dict[str, Path]:
    """The mask file of each frame, by the frame's file name: of the same name, else of the same frame number.

    Raises:
        BadInputError: the folder cannot be read, or has no mask for any frame.
    """
    masks = find_frames(folder)
    by_stem = {mask.path.stem: mask.path for mask in masks}
    by_number = {mask.number: mask.path for mask in reversed(masks) if mask.number is not None}
    found = {}
    for frame in frames:
        path = by_stem.get(frame.path.stem)
        if path is None and frame.number is not None:
            path = by_number.get(frame.number)
        if path is not None:
            found[frame.name] = path
    if not found:
        raise BadInputError(
            f"no mask in {folder} fits a frame by its name or number: name them like the frames, e.g. {frames[0].name}"
        )
    return found
