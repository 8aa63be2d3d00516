"""The files that SQLite keeps beside a database, looked at before it opens the database.

Anybody who can write into the folder can put some there, and SQLite takes them for its own: it waits for ever at a
pipe, writes into a file that has a second name there, and what a journal or a write-ahead log holds goes into the
database.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_SUFFIXES: Final = ("-journal", "-wal", "-shm")
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def foreign_companion(path: Path) -> str:
    """Which of the files beside the database at `path` is none of SQLite's, and why; '' where all may be used.

    A file of another user is refused where that user could not have written the database itself.

    Raises:
        OSError: there is no database.
    """
    database = path.stat()
    for suffix in _SUFFIXES:
        companion = path.with_name(path.name + suffix)
        try:
            found = companion.lstat()
        except OSError:
            continue
        if not stat.S_ISREG(found.st_mode):
            return f"{companion} is no ordinary file"
        if found.st_nlink > 1:
            return f"{companion} is a second name of another file"
        if not database.st_mode & _OTHERS_MAY_WRITE and found.st_uid not in _owners(database):
            return f"{companion} belongs to another user"
    return ""


def _owners(database: os.stat_result) -> tuple[int, ...]:
    """Users who may write a database that neither its group nor others may write."""
    # Windows tells no owners.
    return (database.st_uid, 0, *([os.geteuid()] if hasattr(os, "geteuid") else []))
