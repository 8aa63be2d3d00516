"""Files that are either written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import OutputError
from sounddesk.storage.leftovers import temporary_name

_REASONS: Final = {
    errno.ENOSPC: "the disk is full: free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up: free some space or choose another folder",
    errno.EFBIG: "it is larger than this disk or the limit on file sizes (ulimit -f) allows: choose another folder",
    errno.EACCES: "no permission to write there: choose another folder or change its permissions",
    errno.EPERM: "no permission to write there: choose another folder or change its permissions",
    errno.EROFS: "it is on a read-only disk: choose another folder",
    errno.ENOENT: "its folder does not exist or has vanished: make it or choose another",
    errno.ENOTDIR: "a part of its path is a file: choose another folder",
    errno.EISDIR: "it is a folder: choose another name",
    errno.ENODEV: "it is a device or a pipe: choose another name",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
    errno.EXDEV: "it is on another disk than the folder beside it: choose another folder",
    errno.EIO: "the disk reports an error: check it or choose another",
    errno.ESTALE: "its disk is no longer connected: connect it or choose another folder",
}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def translate_os_errors(path: Path, *, what: str = "cannot write") -> Iterator[None]:
    """Inside the block an OSError becomes an OutputError that names `path`, the reason and the remedy.

    Raises:
        DiskFullError: the kind of OutputError that says that there is no room.
    """
    try:
        yield
    except OSError as error:
        raise output_error(error, what=f"{what} {path}") from error


def output_error(error: OSError, *, what: str) -> OutputError:
    """What the system says in our words: `what` failed, the reason and the remedy."""
    kind = DiskFullError if error.errno in _FULL else OutputError
    return kind(f"{what}: {_REASONS.get(error.errno or 0, error.strerror or str(error))}")


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader (or a crash) finds the old file or the new one, never a part.

    A temporary file beside the target, flushed to the disk, then renamed over it.

    Raises:
        OutputError: it cannot be written; the target is as it was and no temporary file is left.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder) / "notes.txt", b"hello")
        ...     [path.name for path in Path(folder).iterdir()]
        ['notes.txt']
    """
    # The target's own name may already be as long as a name can be.
    temporary = path.with_name(temporary_name())
    with translate_os_errors(path):
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, for libraries that write files themselves.

    The file written there replaces `path` when the block ends, and is removed where the block fails. It is not flushed
    to the disk: for what can be made again.

    Example:
        >>> with atomic_path(Path("weights.safetensors")) as part:  # doctest: +SKIP
        ...     save_file(tensors, part)
    """
    temporary = path.with_name(temporary_name(f"{path.suffix}.tmp"))
    try:
        yield temporary
        put_in_place(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished file over `path`, unless a device, a pipe or a socket stands there. Raises: OSError."""
    with contextlib.suppress(FileNotFoundError):
        kind = path.lstat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISLNK(kind) or stat.S_ISDIR(kind)):
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), str(path))
    temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk, where the system can (Windows cannot)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
