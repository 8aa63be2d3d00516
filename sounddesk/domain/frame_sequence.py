"""The frames of a folder in the order in which people count, every Nth of them, and the shards they fall into.

Which digits of a name are the frame number is read from the folder as a whole: of the runs of digits in names that are
otherwise alike, it is the one that varies. 'dog_0001_v003', 'dog_0002_v003' are frames 1 and 2.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.picture_suffixes import PICTURE_SUFFIXES

SUFFIXES: Final = frozenset(PICTURE_SUFFIXES)
# What a person may take for frames, though it is not read as such; a scan of a folder says that it left them out.
_PICTURE_LIKE: Final = frozenset(
    """
    .arw .avif .avi .cin .cr2 .cr3 .dng .dpx .exr .hdr .heic .heif .j2k .jp2 .jxl .m4v .mkv .mov .mp4 .mxf .nef .orf
    .pbm .pgm .ppm .psd .raf .rw2 .svg .tga .webm
    """.split()  # noqa: SIM905  # a list of thirty suffixes is read more easily so
)

# A minus is part of a number only where it joins nothing: 'plate.-0003' is 3 before 0, 'shot-0003' is 3.
_NUMBER: Final = re.compile(r"((?<![^\W_])-\d+|\d+)", re.ASCII)
# 'v003' is a version.
_VERSION: Final = re.compile(r"(?<![a-z])v$", re.IGNORECASE)
# Names in the output folder that are the batch's own.
_TAKEN: Final = ("index", "manifest", "batch", "beds")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One image of the folder.

    Attributes:
        path: the file.
        index: its place among all frames of the folder, from 0.
        offset: frames from the first one's time to this one's: by their numbers, where the folder holds one sequence.
        number: the frame number, below 0 in handles before the first frame; None where the name has none.
        pattern: the name with '#' in place of the number.
        output: name of its folder in the batch's output.
    """

    path: Path
    index: int
    offset: int
    number: int | None
    pattern: str
    output: str

    @property
    def name(self) -> str:
        return self.path.name


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


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which 'shot.9' comes before 'shot.10', whatever the case or Unicode form."""
    parts = _NUMBER.split(unicodedata.normalize("NFC", name).casefold())
    # Every second part is a number. The name itself comes last, so that 'a.01' and 'a.1' have an order of their own.
    return (*((0, int(part), "") if at % 2 else (1, 0, part) for at, part in enumerate(parts) if part), (2, 0, name))


def find_frames(folder: Path) -> tuple[Frame, ...]:
    """All images of a folder in natural order; hidden files and other endings are left out.

    Raises:
        BadInputError: no such folder, or no image in it.
    """
    names = sorted((name for name in _names_in(folder) if Path(name).suffix.lower() in SUFFIXES), key=natural_key)
    if not names:
        others = left_out(folder)
        told = f" that is read here, but {others}: convert them to" if others else ": name a folder with"
        raise BadInputError(f"{folder} holds no image{told} PNG, JPEG, TIFF, WebP, BMP or GIF files")
    outputs = unique_file_stems([Path(name).stem for name in names], taken=_TAKEN)
    numbered = _numbers_of(names)
    offsets = _offsets(numbered)
    return tuple(
        Frame(
            path=folder / name,
            index=index,
            offset=offsets[index],
            number=numbered[index][0],
            pattern=numbered[index][1],
            output=output,
        )
        for index, (name, output) in enumerate(zip(names, outputs, strict=True))
    )


def left_out(folder: Path) -> str:
    """Pictures and films beside the frames that are not read as frames, e.g. '24 .exr (s.1001.exr ...)'; '' for none.

    Raises:
        BadInputError: the folder cannot be read.
    """
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in _names_in(folder):
        kinds[Path(name).suffix.lower()].append(name)
    told = [
        f"{len(names)} {suffix} ({min(names, key=natural_key)}{' ...' if len(names) > 1 else ''})"
        for suffix, names in sorted(kinds.items())
        if suffix in _PICTURE_LIKE - SUFFIXES
    ]
    return ", ".join(told)


def holes_in(frames: Sequence[Frame]) -> tuple[tuple[int, int], ...]:
    """First and last number of each run of frames that a sequence lacks.

    A sequence on twos (1, 3, 5, ...) has none: its step is the one that most of its frames are apart.
    """
    if len(frames) < 2 or frames[-1].offset == len(frames) - 1:
        return ()
    step = _step_of(frames)
    return tuple(
        (before.number + step, after.number - step)
        for before, after in pairwise(frames)
        if before.number is not None and after.number is not None and after.number - before.number > step
    )


def _step_of(frames: Sequence[Frame]) -> int:
    """How far apart most frames of a sequence are: 2 on twos. At least 1."""
    steps = Counter(after.offset - before.offset for before, after in pairwise(frames))
    return max(1, min(steps, key=lambda each: (-steps[each], each))) if steps else 1


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
        names.setdefault(frame.pattern, []).append(frame.name)
    return tuple(
        FrameRun(pattern=pattern, first=each[0], last=each[-1], count=len(each)) for pattern, each in names.items()
    )


def every_nth(frames: Sequence[Frame], every: int) -> tuple[Frame, ...]:
    """The first frame and every `every`th after it, by their numbers.

    Where the sequence has a hole at such a number, the next frame stands for it, if one comes before the number after.

    Raises:
        BadInputError: `every` below 1.
    """
    if every < 1:
        raise BadInputError(f"every is {every}: choose 1 for each frame, 2 for every second one, and so on")
    # Frames between the steps of the others are left out for being close, but never where each one is asked for.
    if every == 1:
        return tuple(frames)
    apart = every * _step_of(frames)
    chosen: dict[int, Frame] = {}
    for frame in frames:
        chosen.setdefault(frame.offset // apart, frame)
    return tuple(chosen.values())


def mask_files_by_frame(folder: Path, frames: Sequence[Frame]) -> dict[str, Path]:
    """The mask file of each frame, by the frame's file name: of the same name, else of the same frame number.

    Names are the same whatever their ending and Unicode form.

    Raises:
        BadInputError: the folder cannot be read, has no mask for any frame, or two for one.
    """
    by_stem: dict[str, list[Path]] = defaultdict(list)
    by_number: dict[int, list[Path]] = defaultdict(list)
    for mask in find_frames(folder):
        by_stem[_same_stem(mask.path)].append(mask.path)
        if mask.number is not None:
            by_number[mask.number].append(mask.path)
    found = {}
    for frame in frames:
        fitting = by_stem.get(_same_stem(frame.path)) or []
        if not fitting and frame.number is not None:
            fitting = by_number.get(frame.number) or []
        if len(fitting) > 1:
            raise BadInputError(
                f"{folder} has {len(fitting)} masks for {frame.name}, {fitting[0].name} and {fitting[1].name}: "
                "name a folder with the masks of one object in one version"
            )
        if fitting:
            found[frame.name] = fitting[0]
    if not found:
        raise BadInputError(
            f"no mask in {folder} fits a frame by its name or number: name them like the frames, e.g. {frames[0].name}"
        )
    return found


def _same_stem(path: Path) -> str:
    return unicodedata.normalize("NFC", path.stem)


def _names_in(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir() if not each.name.startswith(".")]
    except NotADirectoryError:
        raise BadInputError(f"{folder} is a file: name the folder that holds the frames") from None
    except OSError as error:
        raise BadInputError(f"{folder} cannot be read ({error.strerror}): name a folder that holds frames") from error


def _numbers_of(names: Sequence[str]) -> list[tuple[int | None, str]]:
    """Frame number (None without one) of each name, and the name with '#' in place of the number."""
    alike: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    split = [_NUMBER.split(unicodedata.normalize("NFC", Path(name).stem)) for name in names]
    for parts in split:
        alike[_texts_of(parts)].append(parts)
    columns = {texts: _number_column(group) for texts, group in alike.items()}
    numbered: list[tuple[int | None, str]] = []
    for name, parts in zip(names, split, strict=True):
        column = columns[_texts_of(parts)]
        if column is None:
            numbered.append((None, name))
        else:
            pattern = "".join((*parts[:column], "#", *parts[column + 1 :])) + Path(name).suffix
            numbered.append((int(parts[column]), pattern))
    return numbered


def _texts_of(parts: Sequence[str]) -> tuple[str, ...]:
    """What stands between the numbers of a split name, whatever its case."""
    return tuple(part.casefold() for part in parts[::2])


def _number_column(group: Sequence[Sequence[str]]) -> int | None:
    """Which part of split names that differ in digits alone is the frame number.

    None where they have no digits, or where a version varies and what would be the frame number does not.
    """
    columns = range(1, len(group[0]), 2)
    if not columns:
        return None
    values = {column: len({int(parts[column]) for parts in group}) for column in columns}
    versions = {column for column in columns if _VERSION.search(group[0][column - 1])}
    # The one that takes the most values; of several, no version; of those, the last.
    best = max(columns, key=lambda column: (values[column], column not in versions, column))
    return None if best in versions and len(versions) < len(columns) else best


def _offsets(numbered: Sequence[tuple[int | None, str]]) -> Sequence[int]:
    """Frames from the first one to each: by number in a single sequence, else by their order."""
    numbers = [number for number, _ in numbered]
    known = [number for number in numbers if number is not None]
    one_sequence = len({pattern for _, pattern in numbered}) == 1
    if not one_sequence or len(known) < len(numbers) or len(set(known)) < len(known):
        return range(len(numbered))
    return [number - known[0] for number in known]
