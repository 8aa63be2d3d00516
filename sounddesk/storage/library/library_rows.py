"""What stands in the library's index, as values; and its rows, as these."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final
from typing import get_args

import numpy as np
import numpy.typing as npt

from sounddesk.domain.naming import as_utf8
from sounddesk.domain.recordings import Behaviour
from sounddesk.domain.recordings import Recording
from sounddesk.domain.recordings import RecordingTags
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.recordings import SoundFormat

RECORDING_QUERY: Final = (
    "SELECT r.id, r.path, r.frames, r.sample_rate_hz, r.channels, r.encoding, r.behaviour, r.description, "
    "r.originator, r.originator_reference, r.keywords, r.cat_id, r.file_licence, r.licence, r.commercial, r.starred, "
    "r.missing, r.problem, r.sha256, f.licence, f.commercial, f.present "
    "FROM recordings r JOIN folders f ON f.id = r.folder_id"
)
"""Begins a query of recordings whose rows `recording_of` takes."""

# Columns of such a row that hold text.
_TEXTS: Final = (5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 18, 19)
# A month of sound at once; beyond it times are no times.
_LONGEST_S: Final = 31 * 86_400.0

# Of a stored vector.
_VALUE: Final = np.dtype("<f2")

Vectors = npt.NDArray[np.float16]


@dataclass(frozen=True, kw_only=True)
class LibraryFolder:
    """A folder whose recordings are in the library.

    Attributes:
        licence, commercial: of every recording in it that has no word of its own.
        present: whether it was there at the last scan.
        recordings, missing, problems: how many are known, were not there, and cannot be used.
    """

    id: int
    path: Path
    licence: str
    commercial: bool | None
    present: bool
    recordings: int = 0
    missing: int = 0
    problems: int = 0


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """A file as the index has it."""

    id: int
    size: int
    mtime_ns: int
    missing: bool
    analysis: str


@dataclass(frozen=True, kw_only=True, eq=False)
class IndexedRecording:
    """What a scan found out about one file.

    Attributes:
        words: by column of the full-text index: the name's words, those of folders, what is told, the category.
        embeddings: float16[len(events), D]; None where the file has none.
        words_vector: float16[C]; None where nothing is said of it.
        analysis: by what it was made, so that a better one scans again.
        problem: why the file cannot be used; '' where it can.
    """

    path: Path
    size: int
    mtime_ns: int
    sha256: str
    analysis: str
    format: SoundFormat | None = None
    tags: RecordingTags = field(default_factory=RecordingTags)
    behaviour: str = ""
    words: tuple[str, str, str, str] = ("", "", "", "")
    events: tuple[SoundEvent, ...] = ()
    embeddings: Vectors | None = None
    words_vector: Vectors | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class EventVectors:
    """Everything that can be found: one row per event.

    Attributes:
        event_ids, recording_ids: int64[n].
        embeddings: float16[n, D].
        words_of: row of `word_vectors` for each event, int64[n]; -1 where nothing is said of its recording.
        word_vectors: float16[m, C].
    """

    event_ids: npt.NDArray[np.int64]
    recording_ids: npt.NDArray[np.int64]
    embeddings: Vectors
    words_of: npt.NDArray[np.int64]
    word_vectors: Vectors


def of_one_width(rows: Sequence[Any], width: int | None) -> list[Any]:
    """The rows whose last value is a vector of `width` values, or of as many as the widest where that is None."""
    n_bytes = max((len(row[-1]) for row in rows), default=0) if width is None else width * _VALUE.itemsize
    return [row for row in rows if len(row[-1]) == n_bytes]


def matrix_of(blobs: Sequence[bytes]) -> Vectors:
    """Stored vectors of one width, float16[n, D]; what is no number in them counts as 0.

    Raises:
        ValueError: half a value is there.
    """
    if not blobs:
        return np.zeros((0, 0), dtype=np.float16)
    values = np.frombuffer(b"".join(blobs), dtype=_VALUE).reshape(len(blobs), -1).astype(np.float16)
    # A score that is none would stand at no place of a ranking.
    return np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def event_of(row: Sequence[Any]) -> SoundEvent:
    """Start, end, peak, level and texture as an event. Raises: ValueError or TypeError, they are none."""
    start_s, end_s, peak_db, level_db = (float(each) for each in row[:4])
    if not 0.0 <= start_s < end_s <= _LONGEST_S:
        raise ValueError(f"an event lasts from {start_s:g} to {end_s:g} s")
    return SoundEvent(start_s=start_s, end_s=end_s, peak_db=peak_db, level_db=level_db, texture=bool(row[4]))


def recording_of(row: Sequence[Any]) -> Recording:
    """A row of `RECORDING_QUERY`. Raises: ValueError or TypeError, it is none."""
    if row[6] not in ("", *get_args(Behaviour)) or not all(isinstance(row[each], str) for each in _TEXTS):
        raise ValueError(f"recording {row[0]} has values that are none")
    own_licence, folder_licence, folder_commercial = row[13], row[19], row[20]
    file_licence = row[12]
    return Recording(
        id=row[0],
        path=Path(os.fsdecode(row[1])),
        format=SoundFormat(
            frames=int(row[2]), sample_rate_hz=max(1, int(row[3])), channels=int(row[4]), encoding=row[5]
        ),
        behaviour=row[6] or "silent",
        tags=RecordingTags(
            description=row[7],
            originator=row[8],
            originator_reference=row[9],
            keywords=row[10],
            cat_id=row[11],
            licence=file_licence,
        ),
        licence=own_licence or file_licence or folder_licence,
        commercial=flag_of(row[14]) if own_licence else flag_of(folder_commercial) if not file_licence else None,
        starred=bool(row[15]),
        missing=bool(row[16]) or not row[21],
        problem=row[17],
        sha256=row[18],
    )


def folder_of(row: Sequence[Any]) -> LibraryFolder:
    """Id, path, licence, whether commercial use is allowed, whether it is there, and three counts, as a folder.

    Raises:
        ValueError or TypeError: they are none.
    """
    if not isinstance(row[2], str):
        raise ValueError(f"folder {row[0]} has values that are none")
    return LibraryFolder(
        id=row[0],
        path=Path(os.fsdecode(row[1])),
        licence=row[2],
        commercial=flag_of(row[3]),
        present=bool(row[4]),
        recordings=row[5],
        missing=row[6],
        problems=row[7],
    )


def flag_of(value: int | None) -> bool | None:
    """What SQLite keeps as a number or nothing."""
    return None if value is None else bool(value)


def storable(value: Any) -> Any:
    """The value, of a text what SQLite takes: bytes of names that are no UTF-8 are replaced."""
    return as_utf8(value) if isinstance(value, str) else value
