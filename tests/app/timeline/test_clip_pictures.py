"""Waveforms as they are drawn into clips."""

from __future__ import annotations

import numpy as np

from sounddesk.app.timeline.clip_pictures import waveform_picture


def drawn(waveform: np.ndarray) -> bytes:
    picture = waveform_picture(waveform, sample_rate_hz=16_000)
    return bytes(picture.constBits())


def test_of_a_stereo_take_the_louder_channel_is_drawn() -> None:
    left, right = np.zeros(16_000, np.float32), np.zeros(16_000, np.float32)
    left[:8_000], right[8_000:] = 0.5, -0.5
    assert drawn(np.stack([left, right], axis=1)) == drawn(left - right)
    assert drawn(left - right) != drawn(left)
