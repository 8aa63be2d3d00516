"""Files under names that others can guess, in folders that others may write: opened only where they are ours.

A link planted under such a name would otherwise lead our writing into a file of the user's.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final
from typing import TextIO

from sounddesk.domain.errors import OutputError

# Windows knows no such flag; there the check before the opening is all.
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_BLOCK: Final = getattr(os, "O_NONBLOCK", 0)


def open_own_file(path: Path, *, append: bool = False) -> int:
    """Open a file for reading and writing, made where it is missing; its descriptor.

    Raises:
        OutputError: a link, a file that has a second name, or something that is no file stands there.
        OSError: it cannot be opened.
    """
    if path.is_symlink():
        raise _refusal(path, "is a link")
    flags = os.O_RDWR | os.O_CREAT | _NO_FOLLOW | _NO_BLOCK | (os.O_APPEND if append else 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise _refusal(path, "is a link") from error
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _refusal(path, "is no ordinary file")
        # Nobody's hard link to it either; 0 is a file that was removed meanwhile.
        if found.st_nlink > 1:
            raise _refusal(path, "is a second name of another file")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def append_text(path: Path) -> TextIO:
    """Open a file for text at its end, made where it is missing. Raises: as `open_own_file`."""
    return os.fdopen(open_own_file(path, append=True), "a", encoding="utf-8")


def make_own_folders(root: Path, relative: Path) -> None:
    """Make the folders of `relative` below `root`, and see that none of them is a link.

    Raises:
        OutputError: one of them is a link.
        OSError: one cannot be made, for example because `root` is gone: it is never made again.
    """
    folder = root
    for part in relative.parts:
        folder /= part
        if folder.is_symlink():
            raise _refusal(folder, "is a link")
        folder.mkdir(exist_ok=True)


def _refusal(path: Path, what: str) -> OutputError:
    return OutputError(f"{path} {what}, and sounddesk writes there: remove it or choose another folder")
