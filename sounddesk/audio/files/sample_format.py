"""Samples as a file holds them: level, dither and rounding to the steps of the format."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.pcm import full_scale

Channels = tuple[Waveform, ...]


class SampleFormat:
    """Turns samples into the steps of a format; one for each file, because each has a dither of its own.

    Args:
        subtype: PCM of 16 or 24 bits, or FLOAT, whose steps are the samples themselves.
        dither: add TPDF dither where the format has 16 bits.
        key: seeds the dither: the same file gets the same one again.
    """

    def __init__(self, subtype: WavFormat, *, dither: bool, key: str) -> None:
        self._scale = np.float32(full_scale(subtype))
        self._rounds = bits_of(subtype) is not None
        self._dither = (
            np.random.Generator(np.random.SFC64(zlib.crc32(key.encode(errors="replace"))))
            if (dither and subtype == "PCM_16")
            else None
        )

    def from_mono(self, mono: Waveform, gains: Sequence[float]) -> Channels:
        """One mono sound at a gain per channel; equal gains give the same array twice."""
        made: dict[float, Waveform] = {}
        for gain in gains:
            if gain not in made:
                made[gain] = self._rounded(mono * (np.float32(gain) * self._scale))
        return tuple(made[gain] for gain in gains)

    def from_channels(self, channels: Sequence[npt.NDArray[np.floating[Any]]]) -> Channels:
        """Channels that are sounds of their own."""
        return tuple(self._rounded((channel * self._scale).astype(np.float32)) for channel in channels)

    def _rounded(self, steps: Waveform) -> Waveform:
        if self._dither is not None:
            # TPDF of two steps' width: the sum of two even ones; it makes the rounding error independent of the sound.
            steps += self._triangular(len(steps))
        if self._rounds:
            np.rint(steps, out=steps)
        return steps

    def _triangular(self, count: int) -> Waveform:
        assert self._dither is not None
        # 16 random bits each are plenty for less than a step, and four come out of one draw.
        draws = self._dither.integers(0, 2**64, size=-(-count // 2), dtype=np.uint64).view(np.uint16)
        pairs = draws.reshape(-1, 2).astype(np.float32)
        return np.asarray(((pairs[:, 0] - pairs[:, 1]) / np.float32(65536.0))[:count])


def clip_to_range(channels: Sequence[Waveform], *, subtype: WavFormat) -> int:
    """Cut steps beyond full scale off, in place; how many there were. FLOAT keeps everything."""
    if bits_of(subtype) is None:
        return 0
    top = full_scale(subtype)
    clipped = 0
    for channel in {id(channel): channel for channel in channels}.values():
        if len(channel) and (channel.max() > top - 1 or channel.min() < -top):
            times = sum(other is channel for other in channels)
            clipped += times * int(np.count_nonzero((channel > top - 1) | (channel < -top)))
            np.clip(channel, -top, top - 1, out=channel)
    return clipped
