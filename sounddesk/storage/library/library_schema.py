"""The tables of the library's index and its version.

`user_version` counts up; an older index is brought up to date when it is opened, a newer one is refused, since an
index can always be made again from the recordings. Paths are kept as the bytes that the system gave them.
"""

from __future__ import annotations

import functools
import os
import sqlite3
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.own_file import open_own_file
from sounddesk.storage.sqlite_companions import foreign_companion
from sounddesk.storage.sqlite_schema import Schema
from sounddesk.storage.sqlite_schema import foreign_part
from sounddesk.storage.sqlite_schema import schema_made_by

APPLICATION_ID: Final = 0x53444B4C  # 'SDKL'
VERSION: Final = 2
_BUSY_S: Final = 20.0

_SCHEMA: Final = """
CREATE TABLE folders (
    id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, licence TEXT NOT NULL DEFAULT '',
    commercial INTEGER, present INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY, folder_id INTEGER NOT NULL REFERENCES folders(id) ON DELETE CASCADE,
    path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL DEFAULT '',
    frames INTEGER NOT NULL DEFAULT 0, sample_rate_hz INTEGER NOT NULL DEFAULT 0, channels INTEGER NOT NULL DEFAULT 0,
    encoding TEXT NOT NULL DEFAULT '', behaviour TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '', originator TEXT NOT NULL DEFAULT '',
    originator_reference TEXT NOT NULL DEFAULT '', keywords TEXT NOT NULL DEFAULT '',
    cat_id TEXT NOT NULL DEFAULT '', file_licence TEXT NOT NULL DEFAULT '',
    licence TEXT NOT NULL DEFAULT '', commercial INTEGER, starred INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL DEFAULT 0, problem TEXT NOT NULL DEFAULT '', analysis TEXT NOT NULL DEFAULT '',
    words_vector BLOB
);
CREATE INDEX recordings_by_content ON recordings(sha256);
CREATE INDEX recordings_by_folder ON recordings(folder_id);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, recording_id INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
    start_s REAL NOT NULL, end_s REAL NOT NULL, peak_db REAL NOT NULL, level_db REAL NOT NULL,
    texture INTEGER NOT NULL, embedding BLOB
);
CREATE INDEX events_of_recording ON events(recording_id);
CREATE VIRTUAL TABLE words USING fts5(name, folders, told, category, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TABLE claims (path BLOB PRIMARY KEY, scan INTEGER NOT NULL);
"""
# What version 2 added: the files that scans are at work on.
_SINCE_VERSION_1: Final = _SCHEMA.strip().split(";\n")[-1].rstrip(";")


class LibraryError(BadInputError):
    """A library that cannot be used; the message names its file, the reason and the remedy."""


def connect_library(path: Path) -> sqlite3.Connection:
    """The index at `path`, made where it is missing; transactions are begun and ended by hand.

    Any number of processes may have it open. The connection may be used from any thread, one at a time.

    Raises:
        LibraryError: no index of sounddesk, a newer one, a damaged one, or a place that cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(open_own_file(path))
        if foreign := foreign_companion(path):
            raise LibraryError(f"the library {path} cannot be opened: {foreign}: move that file away")
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise LibraryError(f"the library {path} cannot be opened: {reason}: choose another file") from error
    try:
        _prepare(db, path)
    except (sqlite3.DatabaseError, UnicodeError) as error:
        db.close()
        raise LibraryError(
            f"the library {path} cannot be read ({error}): move the file away and scan again; recordings are untouched"
        ) from error
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA trusted_schema = OFF")
    # Python 3.12 and newer: not even our own statements may then change the schema or the file's header by bytes.
    configure = getattr(db, "setconfig", None)
    if configure is not None:
        configure(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)  # type: ignore[attr-defined]
    # Before anything is written: another program's database stays as it is, its journal too.
    _check(db, path)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        # Again, since another process may have made it meanwhile.
        if _check(db, path):
            _make_tables(db)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        elif db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            db.execute(_SINCE_VERSION_1)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _check(db: sqlite3.Connection, path: Path) -> bool:
    """Whether there is nothing in it yet. Raises: LibraryError, it is something else, or a newer library."""
    if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        return True
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise LibraryError(f"{path} is no library of sounddesk: name another file")
    if db.execute("PRAGMA user_version").fetchone()[0] > VERSION:
        raise LibraryError(f"the library {path} is of a newer sounddesk: update, or scan into another file")
    foreign = foreign_part(db, _own_schema(), within="words_")
    if foreign:
        raise LibraryError(
            f"the library {path} has a {foreign} that sounddesk never makes: move the file away and scan "
            "again; recordings are untouched"
        )
    return False


def _make_tables(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";\n"):
        if statement.strip():
            db.execute(statement)


@functools.cache
def _own_schema() -> Schema:
    return schema_made_by(_make_tables)
