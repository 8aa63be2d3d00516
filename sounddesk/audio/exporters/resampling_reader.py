"""Mono sound read block by block at the rate of the files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import soxr

from sounddesk.audio.placed_clip import Mono
from sounddesk.domain.timeline import PROJECT_RATE_HZ

# (first frame, number of frames) -> float32[count] at 48 kHz.
ReadMono = Callable[[int, int], Mono]


class ResamplingReader:
    """One lane, clip or take from its first frame to its last, resampled on the way.

    The result has the exact length asked for, is the same however it is cut into blocks, and takes no memory beyond
    a block.
    """

    def __init__(self, read: ReadMono, *, start: int, frames: int, sample_rate_hz: int, rate_frames: int) -> None:
        self._read = read
        self._place = start
        self._end = start + frames
        self._left = rate_frames
        self._resampler: Any = None
        if sample_rate_hz != PROJECT_RATE_HZ:
            self._resampler = soxr.ResampleStream(PROJECT_RATE_HZ, sample_rate_hz, 1, dtype="float32", quality="VHQ")

    def next(self, count: int) -> Mono:
        """The sound of the next `count` frames of 48 kHz; at another rate as many frames as come out of them."""
        count = min(count, self._end - self._place)
        block = self._read(self._place, count)
        self._place += count
        last = self._place >= self._end
        if self._resampler is not None:
            block = self._resampler.resample_chunk(block, last=last)
            block = block[: self._left]
            if last and len(block) < self._left:
                # The resampler rounds the length its own way.
                block = np.concatenate([block, np.zeros(self._left - len(block), dtype=np.float32)])
        self._left -= len(block)
        return block
