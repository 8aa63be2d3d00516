"""Sound files written block by block: WAV with chunks of our own, other kinds through libsndfile.

Blocks are sequences of channels, float32[n] each, in whole steps of the file's subtype within its range; in samples
where the subtype is FLOAT.
"""

from __future__ import annotations

import os
import struct
import sys
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
        self._file.write(b"RIFF\0\0\0\0WAVE" + chunks + b"data" + struct.pack("<I", self._data_bytes))
        self._written = 0

    def write(self, channels: Sequence[Waveform]) -> None:
        packed = pack_steps(channels, wav_format=self._subtype).reshape(-1).view(np.uint8).data
        place, size = self._before + self._written, len(packed)
        self._written += size
        while packed:
            packed = packed[self._file.write(packed) or 0 :]
        _begin_flush(self._file.fileno(), place, size)

    def finish(self, *, head: bytes = b"", tail: bytes = b"") -> None:
        """Complete the file and flush it to the disk.

        Args:
            head: replaces the bytes of the same length that the writer was given.
            tail: chunks behind the samples.
        """
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
        """Let the file go, complete or not. Harmless when called again."""
        self._file.close()


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
        self._sound = soundfile.SoundFile(
            path,
            "x",
            samplerate=sample_rate_hz,
            channels=channels,
            format=container,
            subtype=subtype,
            compression_level=compression_level,
        )

    def write(self, channels: Sequence[Waveform]) -> None:
        block: np.ndarray[Any, Any] = np.stack(channels, axis=1)
        if self._bits is not None:
            # libsndfile wants the value in the upper bits.
            self._sound.write(block.astype(np.int32) << (32 - self._bits))
            return
        for start in range(0, len(block), _VORBIS_BLOCK):
            self._sound.write(block[start : start + _VORBIS_BLOCK])

    def close(self) -> None:
        """Complete the file. Harmless when called again."""
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


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body
