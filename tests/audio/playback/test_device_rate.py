"""A device at a rate of its own hears what resampling the whole sound gives."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from sounddesk.audio.playback.device_rate import DeviceRateReader
from sounddesk.audio.playback.playback_ring import PlaybackRing


@pytest.mark.parametrize("rate", [44_100, 96_000, 16_000])
@pytest.mark.parametrize("block", [64, 441, 512])
def test_the_device_hears_the_sound_at_its_rate(rate: int, block: int) -> None:
    ring = PlaybackRing()
    noise = (np.random.default_rng(0).standard_normal((24_000, 2)) * 0.1).astype(np.float32)
    reader = DeviceRateReader(ring, sample_rate_hz=rate)
    blocks, written = [], 0
    for _ in range(rate // 4 // block):
        while written < len(noise) and ring.ahead < 4096:
            ring.write(noise[written : written + 512])
            written += 512
        out = np.full((block, 2), np.nan, dtype=np.float32)
        reader.read_into(out)
        blocks.append(out)
    heard = np.concatenate(blocks)
    expected = soxr.resample(noise, 48_000, rate, quality="HQ")[: len(heard)]
    assert np.abs(heard - expected).max() < 1e-5
    # No more was taken from the ring than what sounded and what the filter holds.
    assert 0 <= ring.read - len(heard) * 48_000 / rate < 4096
