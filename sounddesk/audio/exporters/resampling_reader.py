"""Sound read block by block at the rate of the files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import soxr

from sounddesk.audio.files.sample_format import Channels
from sounddesk.audio.files.sample_format import SampleFormat
from sounddesk.audio.placed_clip import Sound
from sounddesk.domain.timeline import PROJECT_RATE_HZ

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


def channels_of(sound: Sound, gains: tuple[float, float], *, n_channels: int = 2) -> list[Sound]:
    """A sound as channels float32[n], each side at its gain; one channel is the mean of left and right.

    Example:
        >>> mono, stereo = np.ones(1, np.float32), np.array([[1.0, 0.0]], np.float32)
        >>> [float(each[0]) for each in channels_of(mono, (1.0, 0.5))]
        [1.0, 0.5]
        >>> [float(each[0]) for each in channels_of(stereo, (1.0, 0.5), n_channels=1)]
        [0.5]
    """
    if sound.ndim == 1:
        return [sound * np.float32(gain) for gain in gains_of_mono(gains, n_channels=n_channels)]
    sides = [sound[:, side] * np.float32(gain) for side, gain in enumerate(gains)]
    return sides if n_channels == 2 else [(sides[0] + sides[1]) * np.float32(0.5)]


def gains_of_mono(gains: tuple[float, float], *, n_channels: int) -> tuple[float, ...]:
    """What a mono sound is multiplied by in each channel of a file: left and right, or their mean alone."""
    return gains if n_channels == 2 else (sum(gains) / 2.0,)


def file_channels(
    sample_format: SampleFormat, sound: Sound, gains: tuple[float, float], *, n_channels: int
) -> Channels:
    """A block of a file in the steps of its format: as `channels_of`, and quicker where both channels are the same."""
    if sound.ndim == 1:
        return sample_format.from_mono(sound, gains_of_mono(gains, n_channels=n_channels))
    return sample_format.from_channels(channels_of(sound, gains, n_channels=n_channels))
