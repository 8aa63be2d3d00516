"""A lock on a folder that two programs must not write at the same time.

The lock belongs to the process, not to the file: the system gives it back the moment a process ends, however it
ends, so a lock is never stale. The file only tells the other side who holds it.

Why not the package filelock: its lock tells nobody who holds it (on Windows the locked file cannot even be read),
leaves its file in the user's folder, and fails on network disks that know no locks, where a render should go on.
Mending the three takes as much code around the package as this file has.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import OutputError
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.own_file import open_own_file

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_UNSUPPORTED: Final = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
_HELD: Final = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_HOLDER: Final = "process "
# Windows locks ranges of bytes and keeps others from reading them: lock one behind the text.
_WINDOWS_LOCKED_BYTE: Final = 4096


class FolderInUseError(OutputError):
    """Another process holds the lock; the message tells which."""


class FolderLock:
    """Holds the lock file `path` until `release`.

    Args:
        path: the lock file.
        folder: what it guards, for messages.
        work: what whoever holds it is doing, for messages.

    Attributes:
        guards: False where the file system knows no locks (some network disks); then nobody is kept out.

    Raises:
        FolderInUseError: another process holds it.
        OutputError: the file cannot be made.
    """

    def __init__(self, path: Path, *, folder: Path, work: str = "render") -> None:
        self._path = path
        self._work = work
        self._descriptor = -1
        with translate_os_errors(folder):
            while not self._acquire(folder):
                pass
            started = time.strftime("%Y-%m-%d %H:%M:%S")
            holder = f"{_HOLDER}{os.getpid()} on {socket.gethostname()} since {started}\n"
        # Who holds it is for the message only; a full disk does not weaken the lock.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            # Reading who was there before us has moved it.
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, holder.encode())

    def _acquire(self, folder: Path) -> bool:
        descriptor = open_own_file(self._path)
        try:
            self.guards = _try_lock(descriptor)
        except BlockingIOError:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            raise FolderInUseError(
                f"{folder} is being written by another {self._work}{holder and f' ({holder})'}: "
                f"wait for it or choose another folder{_remedy(holder, self._path)}"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        # Empty, or what a holder before us wrote: anything else is somebody's own.
        before = _read_holder(descriptor)
        if before and not before.startswith(_HOLDER):
            os.close(descriptor)
            raise OutputError(f"{self._path} is no lock of sounddesk: move it away or choose another folder")
        self._descriptor = descriptor
        # The holder before us may have removed the file between our opening and locking it.
        if not self._is_current():
            os.close(descriptor)
            self._descriptor = -1
            return False
        return True

    def release(self) -> None:
        """Give the lock back and remove its file. Harmless when called again."""
        if self._descriptor < 0:
            return
        if sys.platform == "win32":
            os.close(self._descriptor)
            with contextlib.suppress(OSError):
                self._path.unlink()
        else:
            # Removed while still held, so that whoever waits for this very file sees that it is gone.
            with contextlib.suppress(OSError):
                if self._is_current():
                    self._path.unlink()
            os.close(self._descriptor)
        self._descriptor = -1

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except FileNotFoundError:
            return False


def _try_lock(descriptor: int) -> bool:
    """Lock it; False where the file system cannot. Raises: BlockingIOError, another process holds it."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _WINDOWS_LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        if error.errno in _HELD:
            raise BlockingIOError from None
        raise
    return True


def _read_holder(descriptor: int) -> str:
    """The first line of a lock file: who wrote it; '' where nobody has yet."""
    with contextlib.suppress(OSError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        # NUL: what an earlier version put before the text when it took over the lock of a killed process.
        return os.read(descriptor, 200).decode(errors="replace").strip("\0 \n").partition("\n")[0]
    return ""


def _remedy(holder: str, path: Path) -> str:
    """What helps where the holder is on another machine, which a network disk may believe alive when it is not."""
    elsewhere = holder.startswith(_HOLDER) and f" on {socket.gethostname()} " not in holder
    return f", or remove {path} if that machine is gone" if elsewhere else ""
