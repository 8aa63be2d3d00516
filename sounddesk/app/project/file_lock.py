"""Who has a project open: one lock file beside it. Locks of dead processes are taken over (`QLockFile` looks)."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLockFile

from sounddesk.domain.errors import BadInputError


class FileInUseError(BadInputError):
    """Another window has the file; the message says which process, and the remedy."""


class FileLock:
    """Holds `path`'s lock until `release` or the end of the process.

    Attributes:
        guards: False where no lock file can be made there (read-only folder); then nobody is kept out.

    Raises:
        FileInUseError: a living process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = QLockFile(str(path.with_name(f".{path.name}.lock")))
        # A window may be open for days: only the death of its process makes a lock stale.
        self._lock.setStaleLockTime(0)
        self.guards = self._lock.tryLock(0)
        if not self.guards and self._lock.error() == QLockFile.LockError.LockFailedError:
            _, process, host, _ = (*self._lock.getLockInfo(), "", "", "", "")[:4]
            raise FileInUseError(
                f"{path.name} is open in another window (process {process} on {host}): close it there first"
            )

    def release(self) -> None:
        """Give it back. Harmless when called again."""
        if self.guards:
            self._lock.unlock()
            self.guards = False


def is_in_use(path: Path) -> bool:
    """Whether a living process holds the lock of `path`."""
    try:
        FileLock(path).release()
    except FileInUseError:
        return True
    return False
