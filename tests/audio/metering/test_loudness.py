from __future__ import annotations

import dataclasses
import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.audio.metering.loudness import integrated_loudness
from sounddesk.audio.metering.loudness import measure_levels
from sounddesk.audio.metering.loudness import measure_loudness
from sounddesk.audio.metering.loudness import true_peak

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


# ---------------------------------------------------------------- the meter, against EBU Tech 3341 and 3342


def sequence(*parts: tuple[float, float]) -> np.ndarray:
    """Stereo 1 kHz sines, (level in dBFS, seconds) each; phase runs on."""
    level = np.concatenate([np.full(round(seconds * RATE), 10 ** (dbfs / 20)) for dbfs, seconds in parts])
    wave = np.sin(2 * np.pi * 1_000 * np.arange(len(level)) / RATE) * level
    return np.stack([wave] * 2, axis=1)


def metered(samples: np.ndarray, *, block: int = 4_800) -> LoudnessMeter:
    meter = LoudnessMeter(sample_rate_hz=RATE)
    for start in range(0, len(samples), block):
        meter.push(samples[start : start + block])
    return meter


@pytest.mark.parametrize("dbfs", [-23.0, -33.0])
def test_ebu_tech_3341_cases_1_and_2(dbfs: float) -> None:
    reading = metered(sequence((dbfs, 20.0))).reading()
    assert reading.momentary_lufs == pytest.approx(dbfs, abs=0.1)
    assert reading.short_term_lufs == pytest.approx(dbfs, abs=0.1)
    assert reading.integrated_lufs == pytest.approx(dbfs, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)],
        [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)],
        [(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)],
    ],
    ids=["case 3", "case 4", "case 5"],
)
def test_ebu_tech_3341_gating(parts: list[tuple[float, float]]) -> None:
    assert metered(sequence(*parts)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_ebu_tech_3341_case_9_short_term_stays_after_3_s() -> None:
    wave = sequence(*[(-20.0, 1.34), (-30.0, 1.66)] * 5)
    meter = LoudnessMeter(sample_rate_hz=RATE)
    shown = []
    for start in range(0, len(wave), 4_800):
        meter.push(wave[start : start + 4_800])
        shown.append(meter.short_term_lufs)
    assert shown[28] is None
    assert all(value == pytest.approx(-23.0, abs=0.1) for value in shown[29:])


def test_ebu_tech_3341_case_12_momentary_stays_after_1_s() -> None:
    wave = sequence(*[(-20.0, 0.18), (-30.0, 0.22)] * 25)
    meter = LoudnessMeter(sample_rate_hz=RATE)
    shown = []
    for start in range(0, len(wave), 4_800):
        meter.push(wave[start : start + 4_800])
        shown.append(meter.momentary_lufs)
    assert shown[2] is None
    assert all(value == pytest.approx(-23.0, abs=0.1) for value in shown[10:])


@pytest.mark.parametrize("index", [0, 1, 7, 19])
def test_ebu_tech_3341_cases_10_and_13_maxima_wherever_the_tone_begins(index: int) -> None:
    long = metered(sequence((-200.0, index * 0.15 + 0.01), (-23.0, 3.0), (-200.0, 1.0))).reading()
    assert long.max_short_term_lufs == pytest.approx(-23.0, abs=0.1)
    short = metered(sequence((-200.0, index * 0.02 + 0.01), (-23.0, 0.4), (-200.0, 1.0))).reading()
    assert short.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("levels_dbfs", "range_lu"),
    [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)],
    ids=["case 1", "case 2", "case 3", "case 4"],
)
def test_ebu_tech_3342_loudness_range(levels_dbfs: tuple[int, ...], range_lu: float) -> None:
    reading = metered(sequence(*[(float(level), 20.0) for level in levels_dbfs])).reading()
    assert reading.loudness_range_lu == pytest.approx(range_lu, abs=1.0)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 96_000])
def test_it_agrees_with_pyloudnorm(rate: int) -> None:
    noise = np.random.default_rng(3).standard_normal((rate * 8, 2)) * np.linspace(0.02, 0.3, rate * 8)[:, None]
    expected = pyloudnorm.Meter(rate).integrated_loudness(noise)
    # Low rates bend the filters near half the rate, and the two bend differently; the standard speaks of 48 kHz only.
    assert integrated_loudness(noise, sample_rate_hz=rate) == pytest.approx(
        expected, abs=0.05 if rate > 40_000 else 0.15
    )


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 200_000), max_size=8), rate=st.sampled_from([22_050, 44_100, 48_000]))
def test_the_reading_does_not_depend_on_blocks(cuts: list[int], rate: int) -> None:
    noise = np.random.default_rng(4).standard_normal((200_000, 2)) * np.linspace(0.5, 0.01, 200_000)[:, None]
    whole = measure_loudness(noise, sample_rate_hz=rate)
    meter = LoudnessMeter(sample_rate_hz=rate)
    for part in np.split(noise, sorted(cuts)):
        meter.push(part)
    for name, value in dataclasses.asdict(meter.reading()).items():
        assert value == pytest.approx(getattr(whole, name), abs=1e-6), name


def test_under_400_ms_nothing_is_known() -> None:
    reading = measure_loudness(tone(1_000)[: int(0.4 * RATE) - 1], sample_rate_hz=RATE)
    assert (reading.momentary_lufs, reading.integrated_lufs, reading.max_momentary_lufs) == (None, None, None)
    assert reading.true_peak_dbtp == pytest.approx(0.0, abs=0.1)


def test_silence_after_sound_is_silent_and_reset_forgets() -> None:
    meter = metered(np.concatenate([sequence((-6.0, 1.0)), np.zeros((4 * RATE, 2))]))
    assert meter.momentary_lufs == -math.inf
    assert meter.integrated_lufs == pytest.approx(-6.0, abs=1.0)
    meter.reset()
    assert meter.reading() == LoudnessMeter(sample_rate_hz=RATE).reading()


def test_one_channel_in_steps_can_stand_for_two() -> None:
    stereo = sequence((-20.0, 1.0))
    meter = LoudnessMeter(sample_rate_hz=RATE, channels=1, full_scale=2**23, power=2.0)
    meter.push(stereo[:, 0] * 2**23)
    for name, value in dataclasses.asdict(meter.reading()).items():
        assert value == pytest.approx(getattr(metered(stereo).reading(), name), abs=1e-4), name


def test_channels_are_checked() -> None:
    with pytest.raises(ValueError, match="4 channels"):
        LoudnessMeter(sample_rate_hz=RATE, channels=4)
    with pytest.raises(ValueError, match="1 channels"):
        LoudnessMeter(sample_rate_hz=RATE).push(np.zeros(10))
