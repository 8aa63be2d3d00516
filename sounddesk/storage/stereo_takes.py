"""Both channels of stereo takes in a project file: a table of its own, made when the first of them is kept.

The row of a take holds one channel, as every version of sounddesk reads it; of a stereo take that is the mean of left
and right. So older versions open the project and play it in mono, and carry the table along as they do everything that
they do not know.
"""

from __future__ import annotations

import sqlite3
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.take import Take
from sounddesk.storage.waveform_blob import ENCODING
from sounddesk.storage.waveform_blob import decode_waveform
from sounddesk.storage.waveform_blob import encode_waveform

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS stereo_takes (id TEXT PRIMARY KEY, encoding TEXT NOT NULL, waveform BLOB NOT NULL)"
)


def has_stereo_takes(db: sqlite3.Connection) -> bool:
    """Whether any were ever kept in the file."""
    found = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'stereo_takes'").fetchone()
    return found is not None


def write_stereo(db: sqlite3.Connection, take: Take) -> None:
    """Keep left and right of a stereo take, one behind the other, within the caller's transaction."""
    db.execute(_TABLE)
    db.execute(
        "INSERT INTO stereo_takes (id, encoding, waveform) VALUES (?, ?, ?)",
        (take.id, ENCODING, encode_waveform(take.waveform.T.reshape(-1))),
    )


def stereo_waveform(blob: bytes, *, samples: int, encoding: Any) -> npt.NDArray[np.float32]:
    """Left and right as float32[samples, 2]. Raises: ValueError, as `decode_waveform`."""
    sides = decode_waveform(blob, samples=2 * samples, encoding=encoding).reshape(2, samples)
    return np.ascontiguousarray(sides.T)
