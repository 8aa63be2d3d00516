"""A reader of PCM WAV files that shares no code with the product: RIFF chunks by struct."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Pcm:
    rate_hz: int
    channels: int
    bits: int
    steps: npt.NDArray[np.int64]  # whole sample values


def read_pcm(path: Path) -> Pcm:
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    chunks: dict[bytes, bytes] = {}
    place = 12
    while place < len(data):
        name, length = struct.unpack("<4sI", data[place : place + 8])
        chunks[name] = data[place + 8 : place + 8 + length]
        assert len(chunks[name]) == length
        place += 8 + length + length % 2
    kind, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", chunks[b"fmt "][:16])
    assert kind in (1, 0xFFFE)
    raw = np.frombuffer(chunks[b"data"], dtype=np.uint8).reshape(-1, bits // 8).astype(np.int64)
    steps = sum(raw[:, i] << (8 * i) for i in range(bits // 8))
    return Pcm(rate_hz, channels, bits, np.where(steps >= 1 << (bits - 1), steps - (1 << bits), steps))
