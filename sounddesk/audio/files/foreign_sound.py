"""Sound files of others, opened for libsndfile."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Final
from typing import Literal

from sounddesk.storage.foreign_file import open_foreign_file

# Recorders write a dozen. libsndfile asks for each of them anew, through Python, which takes minutes for millions.
_MOST_CHUNKS: Final = 10_000
_HEAD_BYTES: Final = 12
# The length that RF64 gives the samples: it stands elsewhere.
_NOT_HERE: Final = 0xFFFFFFFF
# By the first bytes: the order of the bytes in a chunk's length.
_CHUNKED: Final[dict[bytes, Literal["little", "big"]]] = {
    b"RIFF": "little",
    b"RIFX": "big",
    b"RF64": "little",
    b"BW64": "little",
    b"FORM": "big",
}


def open_foreign_sound(path: Path) -> io.BufferedReader:
    """The file, open for reading bytes, at its beginning.

    Raises:
        OSError: it cannot be opened, is no file, or holds more chunks than any recorder writes.
    """
    file = open_foreign_file(path)
    try:
        _refuse_many_chunks(file, path)
    except BaseException:
        file.close()
        raise
    return file


def _refuse_many_chunks(file: io.BufferedReader, path: Path) -> None:
    size = os.fstat(file.fileno()).st_size
    order = _CHUNKED.get(file.read(_HEAD_BYTES)[:4])
    if order is not None:
        at, chunks = _HEAD_BYTES, 0
        while at + 8 <= size:
            file.seek(at)
            # Samples behind a length that was never filled in are no chunks.
            if not all(0x20 <= each < 0x7F for each in file.read(4)):
                break
            body = int.from_bytes(file.read(4), order)
            if body == _NOT_HERE:
                break
            chunks += 1
            if chunks > _MOST_CHUNKS:
                raise OSError(errno.EINVAL, f"it holds more than {_MOST_CHUNKS:,} chunks", str(path))
            # Chunks begin at even places.
            at += 8 + body + body % 2
    file.seek(0)
