from __future__ import annotations

import numpy as np
import pytest

from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.excerpts import loudest_part
from sounddesk.evaluation.recordings.excerpts import matched


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def test_loudest_part_is_where_the_energy_is() -> None:
    samples = np.zeros(1000, dtype=np.float32)
    samples[400:500] = 0.5
    assert loudest_part(samples, n_samples=100).tolist() == samples[400:500].tolist()
    assert len(loudest_part(samples, n_samples=2000)) == 1000
    assert len(loudest_part(np.zeros(50, dtype=np.float32), n_samples=20)) == 20


def test_an_excerpt_peaks_at_one_and_is_not_longer_than_is_compared() -> None:
    excerpt = loudest_excerpt(np.linspace(0, 0.1, 80_000, dtype=np.float32), sample_rate_hz=16_000)
    assert (len(excerpt), excerpt.max()) == (40_960, 1.0)


def test_both_sides_are_equally_long_and_loud() -> None:
    rng = np.random.default_rng(0)
    real = rng.standard_normal(3000).astype(np.float32) * 0.3
    made = np.concatenate([np.zeros(2000), rng.standard_normal(5000) * 0.01]).astype(np.float32)
    fitted = matched(made, real)
    assert len(fitted) == 3000
    assert rms(fitted) == pytest.approx(rms(real), rel=1e-4)
    assert not matched(np.zeros(5000, dtype=np.float32), real).any()


def test_the_narrow_band_ends_at_8_khz_for_every_rate() -> None:
    t = np.arange(48_000) / 48_000
    tones = (np.sin(2 * np.pi * 1000 * t) + np.sin(2 * np.pi * 12_000 * t)).astype(np.float32)
    narrow = in_band(tones, sample_rate_hz=48_000, band="16 kHz")
    full = in_band(tones, sample_rate_hz=48_000, band="full")
    assert (len(narrow), len(full)) == (16_000, 44_100)
    assert rms(narrow) == pytest.approx(rms(full) / np.sqrt(2), rel=0.01)
