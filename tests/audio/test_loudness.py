from __future__ import annotations

import math

import numpy as np
import pytest

from sounddesk.audio.loudness import integrated_loudness
from sounddesk.audio.loudness import measure_levels
from sounddesk.audio.loudness import true_peak

RATE = 48_000


def tone(frequency_hz: float, *, seconds: float = 5.0, phase: float = 0.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * RATE)) / RATE + phase)


def test_a_full_scale_sine_in_one_channel_is_minus_3_01_lufs() -> None:
    # ITU-R BS.1770-4, note under table 1: 997 Hz at 0 dBFS in one front channel reads -3.01 LKFS.
    levels = measure_levels(tone(997), sample_rate_hz=RATE)
    assert levels.lufs == pytest.approx(-3.01, abs=0.1)
    assert levels.peak_dbfs == pytest.approx(0.0, abs=0.01)
    assert levels.rms_dbfs == pytest.approx(-3.01, abs=0.01)


def test_stereo_sine_as_in_ebu_tech_3341_case_1() -> None:
    stereo = np.stack([tone(1_000, seconds=20)] * 2, axis=1) * 10 ** (-23 / 20)
    assert integrated_loudness(stereo, sample_rate_hz=RATE) == pytest.approx(-23.0, abs=0.1)


def test_quiet_parts_are_gated_as_in_ebu_tech_3341_case_3() -> None:
    parts = [tone(1_000, seconds=s) * 10 ** (g / 20) for s, g in ((10, -36), (60, -23), (10, -36))]
    stereo = np.stack([np.concatenate(parts)] * 2, axis=1)
    assert integrated_loudness(stereo, sample_rate_hz=RATE) == pytest.approx(-23.0, abs=0.1)


def test_loudness_needs_400_ms() -> None:
    assert measure_levels(tone(1_000)[: int(0.4 * RATE) - 1], sample_rate_hz=RATE).lufs is None
    assert measure_levels(tone(1_000)[: int(0.4 * RATE)], sample_rate_hz=RATE).lufs == pytest.approx(-3.0, abs=0.2)


def test_silence_is_minus_infinity_everywhere() -> None:
    levels = measure_levels(np.zeros(RATE), sample_rate_hz=RATE)
    assert (levels.peak_dbfs, levels.true_peak_dbtp, levels.rms_dbfs, levels.lufs) == (-math.inf,) * 4


def test_true_peak_sees_between_the_samples() -> None:
    # A quarter of the rate at 45 degrees: every sample is 3.01 dB under the crest (EBU Tech 3341, case 16).
    wave = 0.5 * tone(RATE / 4, phase=math.pi / 4)
    ramp = np.minimum(1.0, np.arange(len(wave)) / 4_800)
    wave = wave * ramp * ramp[::-1]
    levels = measure_levels(wave, sample_rate_hz=RATE)
    assert levels.peak_dbfs == pytest.approx(-9.03, abs=0.01)
    assert levels.true_peak_dbtp == pytest.approx(-6.02, abs=0.2)


def test_true_peak_is_never_below_the_sample_peak() -> None:
    click = np.zeros(100)
    click[50] = -0.75
    assert true_peak(click) >= 0.75


@pytest.mark.parametrize("samples", [np.zeros(0), np.array([np.nan] * 10)])
def test_what_is_no_sound_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="sound"):
        measure_levels(samples, sample_rate_hz=RATE)


def test_a_rate_must_be_positive() -> None:
    with pytest.raises(ValueError, match="0 Hz"):
        measure_levels(np.zeros(10), sample_rate_hz=0)
