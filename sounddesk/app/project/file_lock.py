"""Who has a project open: one lock file beside it, held until the end of the process.

A lock of a dead process of this computer is taken over (`QLockFile` looks). What another computer left cannot be told
from what it holds: the user is told whose it is, and may break it.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLockFile

from sounddesk.domain.errors import BadInputError

# A lock is written as soon as its file is made. An empty one of this age is what a crash or a full disk left.
_UNWRITTEN_S: Final = 10.0


class FileInUseError(BadInputError):
    """Another window has the file; the message says which process, and the remedy."""


class ForeignLockError(FileInUseError):
    """The lock is another computer's, which may be gone.

    Attributes:
        path: the locked file, for `break_lock`.
    """

    def __init__(self, message: str, *, remedy: str, path: Path) -> None:
        super().__init__(message, remedy=remedy)
        self.path = path


class FileLock:
    """Holds `path`'s lock until `release` or the end of the process.

    Attributes:
        guards: False where no lock file can be made there (read-only folder); then nobody is kept out.

    Raises:
        FileInUseError: a living process holds it.
        ForeignLockError: another computer holds it, or did.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _remove_unwritten(lock_file(path))
        self._lock = QLockFile(str(lock_file(path)))
        # A window may be open for days: only the death of its process makes a lock stale.
        self._lock.setStaleLockTime(0)
        self.guards = self._lock.tryLock(0)
        if not self.guards and self._lock.error() == QLockFile.LockError.LockFailedError:
            process, computer, program = self._lock.getLockInfo()
            if computer and computer != socket.gethostname():
                raise ForeignLockError(
                    f"{path.name} is open on another computer ({program} on {computer}, process {process})",
                    remedy="close it there first; if that computer is gone, break its lock",
                    path=path,
                )
            who = f"process {process} on {computer}" if process else "one that is just starting"
            raise FileInUseError(f"{path.name} is open in another window ({who})", remedy="close it there first")

    def release(self) -> None:
        """Give it back. Harmless when called again."""
        if self.guards:
            self._lock.unlock()
            self.guards = False


def lock_file(path: Path) -> Path:
    """The file that says who has `path` open."""
    return path.with_name(f".{path.name}.lock")


def break_lock(path: Path) -> None:
    """Remove the lock of `path`, whoever's it is. Raises: OSError."""
    lock_file(path).unlink(missing_ok=True)


def is_in_use(path: Path) -> bool:
    """Whether a living process holds the lock of `path`, or another computer does."""
    try:
        FileLock(path).release()
    except FileInUseError:
        return True
    return False


def _remove_unwritten(lock: Path) -> None:
    with contextlib.suppress(OSError):
        found = lock.lstat()
        if found.st_size == 0 and time.time() - found.st_mtime > _UNWRITTEN_S:
            lock.unlink()
