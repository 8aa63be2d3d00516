from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.resample import resample

RATES = st.sampled_from([8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])


@given(st.integers(1, 6_000), RATES, RATES)
def test_length_is_exact(n: int, from_hz: int, to_hz: int) -> None:
    out = resample(np.ones(n, dtype=np.float32), from_hz=from_hz, to_hz=to_hz)
    assert out.dtype == np.float32
    assert len(out) == max(1, int(n * to_hz / from_hz + 0.5))


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 48_000), (48_000, 16_000), (44_100, 48_000)])
def test_a_tone_stays_in_place_and_at_its_level(from_hz: int, to_hz: int) -> None:
    def tone(rate: int) -> np.ndarray:
        return 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate)

    out = resample(tone(from_hz), from_hz=from_hz, to_hz=to_hz)
    middle = slice(to_hz // 10, -to_hz // 10)
    assert np.abs(out - tone(to_hz))[middle].max() < 1e-4


def test_nothing_above_the_new_rates_half_folds_back() -> None:
    tone = np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000)
    out = resample(tone, from_hz=48_000, to_hz=16_000)
    assert np.abs(out[1_000:-1_000]).max() < 1e-4


def test_one_rate_changes_nothing_and_length_is_the_one_asked_for() -> None:
    samples = np.linspace(-1, 1, 100, dtype=np.float32)
    assert np.array_equal(resample(samples, from_hz=16_000, to_hz=16_000), samples)
    assert np.array_equal(resample(samples, from_hz=16_000, to_hz=16_000, n_samples=98), samples[:98])
    longer = resample(samples, from_hz=16_000, to_hz=16_000, n_samples=103)
    assert np.array_equal(longer[:100], samples)
    assert not longer[100:].any()


def test_channels_stay_apart() -> None:
    stereo = np.stack([np.ones(1_600), np.zeros(1_600)], axis=1).astype(np.float32)
    out = resample(stereo, from_hz=16_000, to_hz=48_000)
    assert out.shape == (4_800, 2)
    assert not out[:, 1].any()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"from_hz": 0, "to_hz": 48_000}, "from 0 Hz to 48000 Hz"),
        ({"from_hz": 16_000, "to_hz": 48_000, "n_samples": 480}, "16000 Hz are 300 at 48000 Hz, not 480"),
        ({"from_hz": 16_000, "to_hz": 160, "n_samples": 0}, "not 0"),
    ],
)
def test_wrong_rates_and_lengths_are_refused(kwargs: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resample(np.zeros(100, dtype=np.float32), **kwargs)
