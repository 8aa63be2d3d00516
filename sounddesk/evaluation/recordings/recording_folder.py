"""A folder of real recordings: KIND/*.flac of anyone's, or a data set that `sounddesk train prepare starter` built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Literal

import numpy as np

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import Waveform
from sounddesk.engine.verified_files import inside
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_csv

TABLE_NAME: Final = "table.csv"
ENDINGS: Final = (".flac", ".wav", ".ogg", ".aiff", ".aif")
MIN_SECONDS: Final = 0.1
"""Shorter recordings are left out: there is nothing to embed."""

SplitChoice = Literal["train", "validation", "test", "all"]
_COLUMNS: Final = ("kind", "role", "id", "path", "split", "source", "member", "source_rate_hz")


@dataclass(frozen=True, kw_only=True)
class ReferenceRecording:
    """One recording of a folder.

    Attributes:
        split: 'train', 'validation' or 'test' as the folder's table says; '' without a table.
        origin: what it was cut from; recordings of one origin sound alike.
        source_rate_hz: rate of what it was made from, where the table says it: no band lies above half of it.
    """

    kind: str
    id: str
    path: Path
    split: str
    origin: str
    source_rate_hz: int | None


def read_recording_folder(folder: Path, *, split: SplitChoice | None = None) -> list[ReferenceRecording]:
    """The recordings of a folder, by kind and name.

    Args:
        folder: with `table.csv`, as preparation writes it, or with KIND/*.flac (or WAV, OGG, AIFF).
        split: which of a table's parts; by default its test part. Without a table all there is.

    Raises:
        BadInputError: not a folder, no recordings in it, a table that cannot be used, or a split of no table.
    """
    if not folder.is_dir():
        raise BadInputError(
            f"{folder} is not a folder: name one that holds KIND/*.flac recordings, or build one with "
            "'sounddesk train prepare starter'"
        )
    if (folder / TABLE_NAME).is_file():
        wanted = split or "test"
        found = [row for row in _read_table(folder) if wanted in ("all", row.split)]
        if not found:
            raise BadInputError(f"{folder / TABLE_NAME} has no recording of the split {wanted!r}: name another")
    else:
        if split not in (None, "all"):
            raise BadInputError(f"{folder} has no {TABLE_NAME} that would say what is {split!r}: leave the split out")
        found = _read_kind_folders(folder)
    if not found:
        raise BadInputError(f"{folder} holds no recording: it needs KIND/*.flac (or WAV, OGG, AIFF)")
    return sorted(found, key=lambda each: (each.kind, each.id))


def read_mono(path: Path) -> tuple[Waveform, int] | None:
    """All channels averaged, float32[n], and the rate; None for what is too short, silent or not finite.

    Raises:
        SoundFileError: no sound file.
    """
    sound = read_sound(path)
    mono = sound.mono
    if len(mono) < MIN_SECONDS * sound.sample_rate_hz or not np.isfinite(mono).all() or not mono.any():
        return None
    return mono, sound.sample_rate_hz


def _read_kind_folders(folder: Path) -> list[ReferenceRecording]:
    found = []
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        found += [
            ReferenceRecording(kind=kind.name, id=path.stem, path=path, split="", origin=path.name, source_rate_hz=None)
            for path in sorted(kind.iterdir())
            if path.suffix.lower() in ENDINGS
        ]
    return found


def _read_table(folder: Path) -> list[ReferenceRecording]:
    try:
        rows = read_csv(folder / TABLE_NAME, columns=_COLUMNS)
    except (OSError, FieldError) as error:
        raise BadInputError(f"{error}: build the set again") from error
    return [_from_row(folder, row) for row in rows if row["role"] == "recording"]


def _from_row(folder: Path, row: dict[str, str]) -> ReferenceRecording:
    try:
        path = inside(folder, row["path"])
    except BundleError as error:
        raise BadInputError(f"{folder / TABLE_NAME} names {row['path']!r} outside of its folder") from error
    rate = row["source_rate_hz"]
    return ReferenceRecording(
        kind=row["kind"],
        id=row["id"],
        path=path,
        split=row["split"],
        origin=f"{row['source']}:{row['member'].partition('#')[0]}",
        source_rate_hz=int(rate) if rate.isdecimal() else None,
    )


def most_of(recordings: Sequence[ReferenceRecording], count: int | None) -> list[ReferenceRecording]:
    """At most `count` of them, spread over the kinds: the first of each kind, then the second of each, and so on."""
    if count is None or count >= len(recordings):
        return list(recordings)
    ranks: dict[int, list[ReferenceRecording]] = {}
    seen: dict[str, int] = {}
    for each in recordings:
        rank = seen.get(each.kind, 0)
        ranks.setdefault(rank, []).append(each)
        seen[each.kind] = rank + 1
    chosen: list[ReferenceRecording] = []
    for _, found in sorted(ranks.items()):
        left = min(count - len(chosen), len(found))
        # Evenly out of the alphabet where not all of them are wanted.
        chosen += [found[index * len(found) // left] for index in range(left)]
    return sorted(chosen, key=lambda each: (each.kind, each.id))
