from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import sosfilt

from sounddesk.audio.metering.k_weighting import KWeighting
from sounddesk.audio.metering.k_weighting import k_weighting_sos


def test_at_48_khz_it_is_the_table_of_the_standard() -> None:
    # ITU-R BS.1770-4, annex 1, tables 1 and 2.
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting_sos(48_000), [shelf, high_pass], atol=1e-10)


def test_blocks_are_one_signal() -> None:
    noise = np.random.default_rng(1).standard_normal((5_000, 2))
    whole = KWeighting(sample_rate_hz=44_100, channels=2)(noise)
    filtered = KWeighting(sample_rate_hz=44_100, channels=2)
    parts = [filtered(part) for part in np.array_split(noise, [1, 700, 701, 3_000])]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-12)


def test_it_is_the_two_sections_of_the_standard() -> None:
    noise = np.random.default_rng(2).standard_normal((200_000, 1))
    expected = sosfilt(k_weighting_sos(96_000), noise, axis=0)
    np.testing.assert_allclose(KWeighting(sample_rate_hz=96_000, channels=1)(noise), expected, atol=1e-8)


def test_after_a_while_silence_is_exactly_silent() -> None:
    filtered = KWeighting(sample_rate_hz=48_000, channels=1)
    filtered(np.ones((48_000, 1)))
    for _ in range(10):
        last = filtered(np.zeros((48_000, 1)))
    assert not last.any()


def test_a_rate_too_low_is_refused() -> None:
    with pytest.raises(ValueError, match="3000 Hz"):
        k_weighting_sos(3_000)
