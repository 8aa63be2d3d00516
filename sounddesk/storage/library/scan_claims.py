"""Which scan works on which file of a library, so that several at once share the work and do none of it twice."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sounddesk.storage.closing import Closing
from sounddesk.storage.folder_lock import FolderInUseError
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.library.library import Library

_MOST_SCANS: Final = 64


class ScanClaims(Closing):
    """The claims of one scan, which are its own until `release` or its end, however it ends.

    Scans of one library are numbered from 0, each by a lock that the system gives back with the process. So a claim of
    a scan whose lock is free is that of a killed one, and whoever comes next takes it over at once.

    Attributes:
        scan: number of this scan; above 0 where another one is at work.

    Raises:
        OutputError: no lock can be made beside the index.
        LibraryError: the index cannot be written.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        for self.scan in range(_MOST_SCANS):
            try:
                self._lock = self._lock_of(self.scan)
            except FolderInUseError:
                if self.scan == _MOST_SCANS - 1:
                    raise
            else:
                break
        try:
            # What a killed scan of this number left.
            self.release()
        except BaseException:
            self._lock.release()
            raise

    def claim(self, path: Path) -> bool:
        """Whether this scan is to read a file; False while another one does."""
        if not self._lock.guards:
            # A disk that knows no locks: nobody could tell whether the other one is alive.
            return True
        key = os.fsencode(path)
        with self._library.transaction() as db:
            row = db.execute("SELECT scan FROM claims WHERE path = ?", (key,)).fetchone()
            if row is not None and row[0] != self.scan and self._at_work(row[0]):
                return False
            db.execute(
                "INSERT INTO claims (path, scan) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET scan = excluded.scan",
                (key, self.scan),
            )
        return True

    def release(self, paths: Iterable[Path] | None = None) -> None:
        """Give the claims of files back, or all of them: what was read is kept, or left to others."""
        with self._library.transaction() as db:
            if paths is None:
                db.execute("DELETE FROM claims WHERE scan = ?", (self.scan,))
            else:
                keys = [(os.fsencode(each), self.scan) for each in paths]
                db.executemany("DELETE FROM claims WHERE path = ? AND scan = ?", keys)

    def close(self) -> None:
        try:
            self.release()
        finally:
            self._lock.release()

    def _at_work(self, scan: int) -> bool:
        try:
            self._lock_of(scan).release()
        except FolderInUseError:
            return True
        return False

    def _lock_of(self, scan: int) -> FolderLock:
        name = f"{self._library.path.name}.scan{scan or ''}"
        return FolderLock(self._library.path.with_name(name), folder=self._library.path, work="scan")
