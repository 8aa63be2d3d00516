"""Files of others, opened for reading: at a pipe, a device or a socket of such a name a reader would wait for ever."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Final

_NO_BLOCK: Final = getattr(os, "O_NONBLOCK", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)


def open_foreign_file(path: Path) -> io.BufferedReader:
    """The file, open for reading bytes.

    Raises:
        OSError: it cannot be opened, or is a folder, a pipe, a device or a socket.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_BLOCK | _BINARY)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "it is no ordinary file, copy what comes out of it into one", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
