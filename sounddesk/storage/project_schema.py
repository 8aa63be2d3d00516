"""The tables of a project file, its version, and what a file must be before anything is read from it.

`user_version` is MAJOR * 1000 + MINOR. A newer minor version only adds tables, columns with defaults and JSON keys:
they survive because a change writes only the rows and keys that this version knows. A newer major version is read as
far as it can be, and never written.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError

APPLICATION_ID: Final = 0x53444B31  # 'SDK1'
MAJOR: Final = 1
MINOR: Final = 2
VERSION: Final = MAJOR * 1000 + MINOR
SUFFIX: Final = ".sdesk"

SCHEMA: Final = """
CREATE TABLE state (key TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE images (sha256 TEXT PRIMARY KEY, file BLOB NOT NULL);
CREATE TABLE masks (sha256 TEXT PRIMARY KEY, png BLOB NOT NULL);
CREATE TABLE objects (id TEXT PRIMARY KEY, position INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE clips (id TEXT PRIMARY KEY, position INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE markers (id TEXT PRIMARY KEY, position INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE take_marks (id TEXT PRIMARY KEY, position INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE takes (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, object_id TEXT NOT NULL, number INTEGER NOT NULL,
    seed INTEGER NOT NULL, sample_rate_hz INTEGER NOT NULL, samples INTEGER NOT NULL, encoding TEXT NOT NULL,
    waveform BLOB NOT NULL, recipe TEXT NOT NULL, created TEXT NOT NULL, notes TEXT NOT NULL
);
"""
# The last two are made where a project is to hold its recordings (`embedded_recordings`) or has stereo takes.
_TABLES: Final = (
    "state", "images", "masks", "objects", "clips", "markers", "take_marks", "takes", "recordings", "stereo_takes",
)  # fmt: skip

# Steps of SQLite's virtual machine: reading a project takes a few per row, an endless query all there are.
_STEPS_BETWEEN_CALLS: Final = 1_000_000
_MAX_CALLS: Final = 500


class ProjectFileError(BadInputError):
    """A project file that cannot be used; the message names the file, the reason and the remedy."""


def connect(path: Path) -> sqlite3.Connection:
    """Transactions are begun and ended by hand; one thread at a time uses it, though not the one that made it."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)


def limit_work(db: sqlite3.Connection) -> None:
    """End every statement from here on with sqlite3.OperationalError once all together have taken too many steps."""
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return int(calls > _MAX_CALLS)

    db.execute("PRAGMA trusted_schema = OFF")
    db.set_progress_handler(count, _STEPS_BETWEEN_CALLS)


def lift_limit(db: sqlite3.Connection) -> None:
    """Undo `limit_work`."""
    db.set_progress_handler(None, 0)


def check_tables(db: sqlite3.Connection) -> None:
    """Refuse a file whose tables could do more than hold values: views, virtual tables, triggers, computed columns.

    Raises:
        ValueError: naming what is in the way.
    """
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind == "trigger":
            raise ValueError(f"it has a trigger {name!r}, which sounddesk never makes")
        if name in _TABLES and (kind != "table" or str(sql).upper().startswith("CREATE VIRTUAL")):
            raise ValueError(f"{name!r} is no table")
    for table in _TABLES:
        # The last column: 2 and 3 are computed ones.
        if any(column[6] not in (0, 1) for column in db.execute(f"PRAGMA table_xinfo({table})")):
            raise ValueError(f"table {table!r} has a computed column")
