"""Recordings inside a project file, for projects that were asked to hold them: a table of its own, made when needed.

Older versions of sounddesk carry the table along as they do everything that they do not know.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sounddesk.storage.foreign_file import open_foreign_file

# SQLite's own limit is a billion bytes.
MOST_BYTES: Final = 900_000_000
_BLOCK_BYTES: Final = 1 << 20
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS recordings (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, file BLOB NOT NULL)"
)


def embedded_recordings(db: sqlite3.Connection) -> frozenset[str]:
    """Hashes of the recordings that are in the file."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'recordings'").fetchone():
        # None were ever asked for.
        return frozenset()
    return frozenset(str(sha256) for (sha256,) in db.execute("SELECT sha256 FROM recordings"))


def embed_recordings(db: sqlite3.Connection, wanted: Iterable[tuple[str, str, Path | None]]) -> list[str]:
    """Bring recordings into the file, and take out those that are not wanted any more; what could not be, a line each.

    Args:
        wanted: hash and name of each, and its file: None where there is none.

    Raises:
        sqlite3.Error: the disk is full, and the like; the file is then as it was.
    """
    chosen = list(wanted)
    if not chosen and not embedded_recordings(db):
        return []
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(_TABLE)
        there = embedded_recordings(db)
        kept = {sha256 for sha256, _, _ in chosen}
        db.executemany("DELETE FROM recordings WHERE sha256 = ?", [(each,) for each in there - kept])
        problems = [
            problem
            for sha256, name, path in chosen
            if sha256 not in there and (problem := _embed(db, sha256, name, path))
        ]
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return problems


def extract_recording(db: sqlite3.Connection, sha256: str, target: Path) -> bool:
    """Write a recording that is in the file to `target`; False where it is not in it, or damaged. Raises: OSError."""
    digest = hashlib.sha256()
    try:
        row = db.execute("SELECT rowid FROM recordings WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None:
            return False
        with db.blobopen("recordings", "file", row[0], readonly=True) as blob, target.open("xb") as file:
            try:
                while block := blob.read(_BLOCK_BYTES):
                    digest.update(block)
                    file.write(block)
                if digest.hexdigest() == sha256:
                    return True
            except BaseException:
                target.unlink()
                raise
            target.unlink()
            return False
    except sqlite3.Error:
        # No such table, or a number where the file should be.
        return False


def _embed(db: sqlite3.Connection, sha256: str, name: str, path: Path | None) -> str:
    """Why it could not be embedded; '' where it was."""
    if path is None:
        return f"{name} is not in the project file, because it is not there any more"
    try:
        with open_foreign_file(path) as file:
            size = path.stat().st_size
            if size > MOST_BYTES:
                return f"{name} is not in the project file: it has more than {MOST_BYTES // 10**6} MB"
            added = db.execute(
                "INSERT INTO recordings (sha256, file) VALUES (?, zeroblob(?))", (sha256, size)
            ).lastrowid
            assert added is not None
            digest, left = hashlib.sha256(), size
            with db.blobopen("recordings", "file", added) as blob:
                while left and (block := file.read(min(left, _BLOCK_BYTES))):
                    digest.update(block)
                    blob.write(block)
                    left -= len(block)
    except OSError as error:
        # What was read of it before that must not pass for the recording.
        db.execute("DELETE FROM recordings WHERE sha256 = ?", (sha256,))
        return f"{name} is not in the project file: {error.strerror or error}"
    if digest.hexdigest() == sha256:
        return ""
    db.execute("DELETE FROM recordings WHERE rowid = ?", (added,))
    return f"{name} is not in the project file, because it was changed"
