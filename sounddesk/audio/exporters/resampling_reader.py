"""Sound read block by block at the rate of the files."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from sounddesk.domain.timeline import PROJECT_RATE_HZ

# float32[n], or float32[n, 2] where left and right are sounds of their own.
Sound = npt.NDArray[np.float32]
# (first frame, number of frames) -> sound at 48 kHz.
ReadSound = Callable[[int, int], Sound]


class ResamplingReader:
    """One lane, clip or take from its first frame to its last, resampled on the way.

    The result has the exact length asked for, is the same however it is cut into blocks, and takes no memory beyond
    a block.
    """

    def __init__(
        self, read: ReadSound, *, start: int, frames: int, sample_rate_hz: int, rate_frames: int, n_channels: int = 1
    ) -> None:
        """`n_channels`: of what `read` gives: 1 for float32[n], 2 for float32[n, 2]."""
        self._read = read
        self._place = start
        self._end = start + frames
        self._left = rate_frames
        self._resampler: Any = None
        if sample_rate_hz != PROJECT_RATE_HZ:
            self._resampler = soxr.ResampleStream(
                PROJECT_RATE_HZ, sample_rate_hz, n_channels, dtype="float32", quality="VHQ"
            )

    def next(self, count: int) -> Sound:
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
                rest = np.zeros((self._left - len(block), *block.shape[1:]), dtype=np.float32)
                block = np.concatenate([block, rest])
        self._left -= len(block)
        return block


def channels_of(sound: Sound, gains: Sequence[float]) -> list[Sound]:
    """A sound as channels float32[n], each at its gain: mono is the same in all, stereo gives its sides or their mean.

    Args:
        gains: of left and right, or one for a mono file.
    """
    if sound.ndim == 1:
        return [sound * np.float32(gain) for gain in gains]
    sides = (sound[:, 0], sound[:, 1]) if len(gains) == 2 else (sound.mean(axis=1, dtype=np.float32),)
    return [side * np.float32(gain) for side, gain in zip(sides, gains, strict=True)]
