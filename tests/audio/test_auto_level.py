"""A ridden fader keeps a level, leaves silence silent, and changes nothing abruptly."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.audio.auto_level import apply_auto_level

RATE = 48_000


def noise(seconds: float, *, gain: float = 0.1) -> np.ndarray:
    return (np.random.default_rng(0).normal(0, gain, round(seconds * RATE))).astype(np.float32)


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples.astype(np.float64))) + 1e-20))


def test_a_burst_and_a_dip_come_to_the_usual_level() -> None:
    sound = noise(9)
    sound[3 * RATE : 4 * RATE] *= 8.0
    sound[6 * RATE : 7 * RATE] *= 0.4
    ridden = apply_auto_level(sound, sample_rate_hz=RATE)
    levels = [level_db(ridden[second * RATE : (second + 1) * RATE]) for second in range(9)]
    assert max(levels) - min(levels) < 1.5
    assert levels[0] == pytest.approx(level_db(sound[:RATE]), abs=0.5)
    # Before the burst begins the fader is down already.
    assert np.abs(ridden[3 * RATE : 3 * RATE + 500]).max() < 0.35 * np.abs(sound[3 * RATE : 3 * RATE + 500]).max()


def test_silence_stays_silence_and_faint_noise_is_raised_only_so_far() -> None:
    sound = noise(6)
    sound[2 * RATE : 3 * RATE] = 0.0
    sound[4 * RATE : 5 * RATE] *= 0.001
    ridden = apply_auto_level(sound, sample_rate_hz=RATE, most_boost_db=12.0)
    assert not ridden[2 * RATE : 3 * RATE].any()
    inner = slice(round(4.3 * RATE), round(4.7 * RATE))
    assert level_db(ridden[inner]) - level_db(sound[inner]) == pytest.approx(12.0, abs=0.1)


def test_the_gain_glides() -> None:
    sound = np.sin(np.arange(4 * RATE) * 0.05).astype(np.float32) * 0.1
    sound[2 * RATE :] *= 5.0
    gain = apply_auto_level(sound, sample_rate_hz=RATE)[1000:-1000].astype(np.float64) / sound[1000:-1000]
    usable = np.abs(sound[1000:-1000]) > 0.05
    assert np.abs(np.diff(gain[usable])).max() < 0.05


def test_the_peak_is_as_asked_for_and_an_even_sound_is_left_alone() -> None:
    ridden = apply_auto_level(noise(3), sample_rate_hz=RATE, peak=0.5)
    assert np.abs(ridden).max() == pytest.approx(0.5)
    tone = np.sin(np.arange(3 * RATE) * 0.3).astype(np.float32) * 0.2
    assert np.abs(apply_auto_level(tone, sample_rate_hz=RATE) - tone).max() < 0.01


def test_total_silence_and_stereo() -> None:
    assert not apply_auto_level(np.zeros(RATE, np.float32), sample_rate_hz=RATE, peak=0.5).any()
    with pytest.raises(ValueError, match="2 channels"):
        apply_auto_level(np.zeros((RATE, 2), np.float32), sample_rate_hz=RATE)
