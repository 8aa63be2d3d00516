"""Sound files written block by block: WAV with chunks of our own, other kinds through libsndfile.

Blocks are sequences of channels, float32[n] each, in whole steps of the file's subtype within its range; in samples
where the subtype is FLOAT.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import soundfile

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.pcm import pack_steps

_PCM_BITS: Final = {"PCM_16": 16, "PCM_24": 24}
_PCM: Final = 1
_IEEE_FLOAT: Final = 3
# Longer writes at once overflow the stack of the Vorbis encoder.
_VORBIS_BLOCK: Final = 4096
_STREAM_BUFFER: Final = 1 << 18


class WavWriter:
    """A RIFF WAVE file of a length that is known beforehand."""

    def __init__(
        self, path: Path, *, subtype: WavFormat, sample_rate_hz: int, channels: int, frames: int, head: bytes = b""
    ) -> None:
        """`head`: chunks before the samples, e.g. `bext`; their length stays."""
        self._subtype = subtype
        bits = bits_of(self._subtype) or 32
        frame_bytes = channels * bits // 8
        self._data_bytes = frames * frame_bytes
        self._head = len(head)
        kind = _IEEE_FLOAT if self._subtype == "FLOAT" else _PCM
        fmt = struct.pack("<HHIIHH", kind, channels, sample_rate_hz, sample_rate_hz * frame_bytes, frame_bytes, bits)
        if self._subtype == "FLOAT":
            # Microsoft asks for an extension, here of no bytes, and for `fact`, with every format that is not PCM.
            fmt += struct.pack("<H", 0)
            chunks = head + _chunk(b"fmt ", fmt) + _chunk(b"fact", struct.pack("<I", frames))
        else:
            chunks = head + _chunk(b"fmt ", fmt)
        self._before = 12 + len(chunks) + 8
        self._file = path.open("xb", buffering=0)
        self._written = 0
        try:
            self._put(b"RIFF\0\0\0\0WAVE" + chunks + b"data" + struct.pack("<I", self._data_bytes))
        except BaseException:
            self._file.close()
            raise

    def write(self, channels: Sequence[Waveform]) -> None:
        packed = pack_steps(channels, wav_format=self._subtype).reshape(-1).view(np.uint8).data
        place, size = self._before + self._written, len(packed)
        self._written += size
        self._put(packed)
        _begin_flush(self._file.fileno(), place, size)

    def finish(self, *, head: bytes = b"", tail: bytes = b"") -> None:
        """Complete the file and flush it to the disk.

        Args:
            head: replaces the bytes of the same length that the writer was given.
            tail: chunks behind the samples.
        """
        assert self._written == self._data_bytes
        assert len(head) in (0, self._head)
        self._put((b"\0" if self._data_bytes % 2 else b"") + tail)
        size = self._file.tell() - 8
        self._file.seek(4)
        self._put(struct.pack("<I", size))
        if head:
            self._file.seek(12)
            self._put(head)
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Let the file go, complete or not. Harmless when called again."""
        self._file.close()

    def _put(self, data: bytes | memoryview) -> None:
        # A disk that is nearly full takes a part, and says so at the next try only.
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]


class LibsndfileWriter:
    """A file of a kind that libsndfile writes.

    Args:
        container, subtype: as libsndfile names them, e.g. 'FLAC' and 'PCM_24'. A subtype that is not PCM is given
            samples.
        compression_level: 0 (best) to 1 (smallest); None for the subtype's own.
    """

    def __init__(
        self,
        path: Path,
        *,
        container: str,
        subtype: str,
        sample_rate_hz: int,
        channels: int,
        compression_level: float | None = None,
    ) -> None:
        self._bits = _PCM_BITS.get(subtype)
        self._stream = _Stream(path)
        self._sound = soundfile.SoundFile(
            self._stream,
            "w",
            samplerate=sample_rate_hz,
            channels=channels,
            format=container,
            subtype=subtype,
            compression_level=compression_level,
        )

    def write(self, channels: Sequence[Waveform]) -> None:
        block: np.ndarray[Any, Any] = np.stack(channels, axis=1)
        with self._stream.reasons():
            if self._bits is not None:
                # libsndfile wants the value in the upper bits.
                self._sound.write(block.astype(np.int32) << (32 - self._bits))
                return
            for start in range(0, len(block), _VORBIS_BLOCK):
                self._sound.write(block[start : start + _VORBIS_BLOCK])

    def finish(self) -> None:
        """Complete the file. Raises: OSError."""
        with self._stream.reasons():
            self._sound.close()
        self._stream.close()

    def close(self) -> None:
        """Let the file go, complete or not. Harmless when called again."""
        self._sound.close()
        with contextlib.suppress(OSError):
            self._stream.close()


class _Stream:
    """The file behind libsndfile, which calls any failure a 'System error': this one keeps the reason."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb+", buffering=_STREAM_BUFFER)
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data) if self._error is None else 0
        except OSError as error:
            self._error = error
            return 0

    def read(self, count: int) -> bytes:
        return self._file.read(count)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            # Seeking writes what waits in the buffer.
            self._error = self._error or error
            return -1

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    @contextlib.contextmanager
    def reasons(self) -> Iterator[None]:
        """Raises the error of the system instead of what libsndfile makes of it, or passes over in silence."""
        try:
            yield
        except (soundfile.SoundFileError, AssertionError):
            # soundfile asserts that all was written.
            if self._error is None:
                raise
        if self._error is not None:
            raise self._error


def _begin_flush(descriptor: int, start: int, size: int) -> None:
    """Let the disk begin with these bytes now, so that `finish` does not wait for the whole file."""
    if sys.platform == "linux":
        # The advice that they will not be read soon makes Linux write them in the background; others need not.
        os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)


def sync_file(path: Path) -> None:
    """Flush a complete file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body
