from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from scipy.signal import firwin
from scipy.signal import resample_poly

from sounddesk.audio.metering.true_peak import TruePeakMeter

RATE = 48_000


def peak_of(samples: np.ndarray, *cuts: int) -> float:
    wide = samples[:, None] if samples.ndim == 1 else samples
    meter = TruePeakMeter(channels=wide.shape[1])
    for part in np.split(wide, sorted(cuts)):
        meter.push(part)
    return meter.true_peak


def oversampled_peak(samples: np.ndarray) -> float:
    taps = firwin(49, 0.25, window=("kaiser", 5.0))
    oversampled = resample_poly(np.pad(samples, 40), 4, 1, window=taps).reshape(-1, 4)
    # Every fourth value stands on a sample; there the sample itself is what counts.
    return max(np.abs(oversampled[:, 1:]).max(), np.abs(samples).max())


# EBU Tech 3341, table 1, cases 15 to 19: frequency as a part of the rate, phase in degrees, level, expected dBTP.
@pytest.mark.parametrize(
    ("part", "degrees", "amplitude", "expected_dbtp"),
    [(4, 0.0, 0.5, -6.0), (4, 45.0, 0.5, -6.0), (6, 60.0, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45.0, 1.41, 3.0)],
)
def test_ebu_tech_3341_sines(part: int, degrees: float, amplitude: float, expected_dbtp: float) -> None:
    wave = amplitude * np.sin(2 * np.pi * np.arange(RATE) / part + np.deg2rad(degrees))
    # The test files fade in and out: a sine that is cut off swings over at the cut.
    fade = np.minimum(1.0, np.arange(RATE) / 4_800)
    measured = 20 * np.log10(peak_of(np.stack([wave * fade * fade[::-1]] * 2, axis=1)))
    assert expected_dbtp - 0.4 <= measured <= expected_dbtp + 0.2


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    length=st.integers(1, 400),
    cuts=st.lists(st.integers(0, 400), max_size=4),
    loud=st.floats(0.001, 4.0),
)
def test_it_is_the_peak_of_the_oversampled_signal_however_it_is_cut(
    seed: int, length: int, cuts: list[int], loud: float
) -> None:
    # Loud beginnings make the meter skip what cannot be louder: skipping must not change the result.
    noise = np.random.default_rng(seed).standard_normal(length) * np.geomspace(1.0, loud, length)
    found = peak_of(noise, *(min(cut, length) for cut in cuts))
    assert found == pytest.approx(oversampled_peak(noise), rel=1e-5)


def test_the_swing_behind_the_last_sample_counts() -> None:
    wave = np.full(64, 0.9)
    assert peak_of(wave) > 0.91
    assert peak_of(wave) == pytest.approx(oversampled_peak(wave), rel=1e-5)
