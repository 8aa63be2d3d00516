"""What a crash left behind: working copies without a living owner that have more than their file."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sounddesk.app.project.file_lock import FileInUseError
from sounddesk.app.project.file_lock import FileLock
from sounddesk.app.project.file_lock import is_in_use
from sounddesk.app.project.working_copy import SUFFIX
from sounddesk.app.project.working_copy import remove_working_copy
from sounddesk.app.project.working_copy import working_folder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recoverable:
    """A project to offer back.

    Attributes:
        working_path: the working copy.
        origin: the file it came from; None where it was never saved.
        name: of the file or the image.
        updated: last change, UTC.
        objects, takes: how many.
        picture: bytes of its image file; empty without an image.
    """

    working_path: Path
    origin: Path | None
    name: str
    updated: dt.datetime
    objects: int
    takes: int
    picture: bytes


def find_recoverable() -> list[Recoverable]:
    """What can be recovered, newest first. Leftovers in which nothing was made are removed on the way."""
    found = []
    folder = working_folder()
    if not folder.is_dir():
        return []
    for path in folder.glob(f"*{SUFFIX}"):
        if is_in_use(path):
            continue
        try:
            item = _look(path)
        except (sqlite3.Error, ValueError, TypeError, OSError) as error:
            _log.warning("%s cannot be looked at: %s", path.name, error)
            continue
        if item is None:
            remove_working_copy(path)
        else:
            found.append(item)
    return sorted(found, key=lambda each: each.updated, reverse=True)


def discard_recoverable(item: Recoverable) -> None:
    """Delete a working copy for good; nothing happens where another window has taken it up."""
    with contextlib.suppress(FileInUseError):
        lock = FileLock(item.working_path)
        remove_working_copy(item.working_path)
        lock.release()


def _look(path: Path) -> Recoverable | None:
    """None for one that has nothing its file does not have."""
    db = sqlite3.connect(path, timeout=1.0)
    try:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'working_copy'").fetchone():
            # Killed before the first state was written: its file, where there is one, has everything.
            return None
        row = db.execute("SELECT origin, name, dirty, updated FROM working_copy").fetchone()
        if row is None or not int(row[2]):
            return None
        objects = db.execute("SELECT COUNT(*) FROM objects").fetchone()[0]
        takes = db.execute("SELECT COUNT(*) FROM takes").fetchone()[0]
        picture = db.execute(
            "SELECT file FROM images "
            "WHERE sha256 = (SELECT json_extract(data, '$.sha256') FROM state WHERE key = 'image')"
        ).fetchone()
        # An image that was only opened is where it was.
        if not objects and not takes:
            return None
    finally:
        db.close()
    return Recoverable(
        working_path=path,
        origin=None if row[0] is None else Path(row[0]),
        name=row[1],
        updated=dt.datetime.fromisoformat(row[3]),
        objects=objects,
        takes=takes,
        picture=b"" if picture is None else picture[0],
    )
