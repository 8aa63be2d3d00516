"""What a sound device is given that does not take the project's sample rate."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr

from sounddesk.audio.playback.playback_ring import PlaybackRing
from sounddesk.audio.timeline_mix import Stereo
from sounddesk.domain.timeline import PROJECT_RATE_HZ

# Frames of the ring at a time: small, so that hardly more is taken than the device asks for.
_CHUNK: Final = 128


class DeviceRateReader:
    """Reads a ring of 48 kHz at the rate of a device, block by block as the device asks.

    Example:
        >>> reader = DeviceRateReader(PlaybackRing(), sample_rate_hz=44_100)
        >>> out = np.ones((441, 2), dtype=np.float32)
        >>> reader.read_into(out)
        >>> float(abs(out).max())  # nothing lies in the ring
        0.0
    """

    def __init__(self, ring: PlaybackRing, *, sample_rate_hz: int) -> None:
        self._ring = ring
        self._resampler = soxr.ResampleStream(PROJECT_RATE_HZ, sample_rate_hz, 2, dtype="float32", quality="HQ")
        self._chunk = np.zeros((_CHUNK, 2), dtype=np.float32)
        self._left: Stereo = np.zeros((0, 2), dtype=np.float32)

    def read_into(self, out: Stereo) -> None:
        """Fill float32[n, 2] with the next frames at the device's rate."""
        done = 0
        while done < len(out):
            if not len(self._left):
                self._ring.read_into(self._chunk)
                self._left = self._resampler.resample_chunk(self._chunk)
            count = min(len(self._left), len(out) - done)
            out[done : done + count] = self._left[:count]
            self._left = self._left[count:]
            done += count
