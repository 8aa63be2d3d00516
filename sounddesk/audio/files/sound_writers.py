"""Sound files written block by block: WAV with chunks of our own, FLAC and OGG Vorbis through libsndfile."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final
from typing import Protocol

import numpy as np
import soundfile

from sounddesk.audio.files.file_format import FileFormat
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.pcm import full_scale
from sounddesk.audio.files.pcm import pack_steps

_PCM: Final = 1
_IEEE_FLOAT: Final = 3
# Longer writes at once overflow the stack of the Vorbis encoder.
_VORBIS_BLOCK: Final = 4096
_VORBIS_QUALITY: Final = 0.3


class SoundWriter(Protocol):
    """A file that grows block by block. Blocks are columns, float32[n] per channel, in whole steps of the format's
    grid within its range; in samples where the grid is FLOAT.
    """

    def write(self, columns: Sequence[Waveform]) -> None: ...

    def finish(self, *, head: bytes = b"", tail: bytes = b"") -> None:
        """Complete the file and flush it to the disk.

        Args:
            head: replaces the bytes of the same length that the writer was given (WAV only).
            tail: chunks behind the samples (WAV only).
        """

    def close(self) -> None:
        """Let the file go, complete or not. Harmless when called again."""


class WavWriter:
    """A RIFF WAVE file of a length that is known beforehand."""

    def __init__(
        self, path: Path, *, file_format: FileFormat, sample_rate_hz: int, channels: int, frames: int, head: bytes = b""
    ) -> None:
        """`head`: chunks before the samples, e.g. `bext`; their length stays."""
        self._grid = file_format.grid
        bits = bits_of(self._grid) or 32
        frame_bytes = channels * bits // 8
        self._data_bytes = frames * frame_bytes
        self._head = len(head)
        kind = _IEEE_FLOAT if self._grid == "FLOAT" else _PCM
        fmt = struct.pack("<HHIIHH", kind, channels, sample_rate_hz, sample_rate_hz * frame_bytes, frame_bytes, bits)
        if self._grid == "FLOAT":
            # Microsoft asks for an extension, here of no bytes, and for `fact`, with every format that is not PCM.
            fmt += struct.pack("<H", 0)
            chunks = head + _chunk(b"fmt ", fmt) + _chunk(b"fact", struct.pack("<I", frames))
        else:
            chunks = head + _chunk(b"fmt ", fmt)
        self._before = 12 + len(chunks) + 8
        self._file = path.open("xb", buffering=0)
        self._file.write(b"RIFF\0\0\0\0WAVE" + chunks + b"data" + struct.pack("<I", self._data_bytes))
        self._written = 0

    def write(self, columns: Sequence[Waveform]) -> None:
        packed = pack_steps(columns, wav_format=self._grid).reshape(-1).view(np.uint8).data
        place, size = self._before + self._written, len(packed)
        self._written += size
        while packed:
            packed = packed[self._file.write(packed) or 0 :]
        _begin_flush(self._file.fileno(), place, size)

    def finish(self, *, head: bytes = b"", tail: bytes = b"") -> None:
        assert self._written == self._data_bytes
        assert len(head) in (0, self._head)
        self._file.write((b"\0" if self._data_bytes % 2 else b"") + tail)
        size = self._file.tell() - 8
        self._file.seek(4)
        self._file.write(struct.pack("<I", size))
        if head:
            self._file.seek(12)
            self._file.write(head)
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        self._file.close()


class LibsndfileWriter:
    """FLAC or OGG Vorbis. Their tags are written afterwards, see `file_tags`."""

    def __init__(self, path: Path, *, file_format: FileFormat, sample_rate_hz: int, channels: int) -> None:
        self._path = path
        self._grid = file_format.grid
        lossless = file_format.lossless
        self._sound = soundfile.SoundFile(
            path,
            "x",
            samplerate=sample_rate_hz,
            channels=channels,
            format="FLAC" if lossless else "OGG",
            subtype=self._grid if lossless else "VORBIS",
            compression_level=None if lossless else _VORBIS_QUALITY,
        )

    def write(self, columns: Sequence[Waveform]) -> None:
        block: np.ndarray[Any, Any] = np.stack(columns, axis=1)
        bits = bits_of(self._grid)
        if bits is not None:
            # libsndfile wants the value in the upper bits.
            self._sound.write(block.astype(np.int32) << (32 - bits))
            return
        for start in range(0, len(block), _VORBIS_BLOCK):
            self._sound.write(block[start : start + _VORBIS_BLOCK])

    def finish(self, *, head: bytes = b"", tail: bytes = b"") -> None:
        assert not head
        assert not tail
        self._sound.close()

    def close(self) -> None:
        self._sound.close()


def _begin_flush(descriptor: int, start: int, size: int) -> None:
    """Let the disk begin with these bytes now, so that `finish` does not wait for the whole file."""
    if sys.platform == "linux":
        # The advice that they will not be read soon makes Linux write them in the background; others need not.
        os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)


def sync_file(path: Path) -> None:
    """Flush a complete file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def clip_to_range(columns: Sequence[Waveform], *, grid: Any) -> int:
    """Cut steps beyond full scale off, in place; how many there were. FLOAT keeps everything."""
    if bits_of(grid) is None:
        return 0
    top = full_scale(grid)
    clipped = 0
    for column in {id(column): column for column in columns}.values():
        if len(column) and (column.max() > top - 1 or column.min() < -top):
            times = sum(other is column for other in columns)
            clipped += times * int(np.count_nonzero((column > top - 1) | (column < -top)))
            np.clip(column, -top, top - 1, out=column)
    return clipped


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body
