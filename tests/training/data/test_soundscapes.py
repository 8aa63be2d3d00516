"""Layouts over time and crops: lengths, repetition, silence, levels."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.training.data.recordings import random_crop
from sounddesk.training.data.recordings import scale_peak
from sounddesk.training.data.soundscapes import crop_batch
from sounddesk.training.data.soundscapes import lay_out

BURST = np.ones(1600, dtype=np.float32)


def onsets(samples: np.ndarray) -> int:
    active = samples > 0
    return int(np.sum(active[1:] & ~active[:-1]) + active[0])


@pytest.mark.parametrize("repeat", ["one-shot", "repeating", "continuous"])
@pytest.mark.parametrize("length", [800, 1600, 40_000])
def test_every_layout_has_the_asked_length(repeat: str, length: int) -> None:
    assert lay_out(BURST, length=length, repeat=repeat, rng=np.random.default_rng(0)).shape == (length,)


def test_a_one_shot_sounds_once_and_a_repeating_sound_again() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert onsets(lay_out(BURST, length=80_000, repeat="one-shot", rng=rng)) == 1
        assert onsets(lay_out(BURST, length=80_000, repeat="repeating", rng=rng)) >= 2


def test_a_continuous_sound_has_no_gap() -> None:
    out = lay_out(BURST, length=80_000, repeat="continuous", rng=np.random.default_rng(1))
    # Equal-power crossfade of a constant: never below the single piece, never above sqrt(2) of it.
    assert out.min() >= 0.99
    assert out.max() <= 2**0.5 + 1e-3


def test_a_short_recording_is_placed_in_silence() -> None:
    crop = random_crop(BURST, 5000, np.random.default_rng(0))
    assert crop.shape == (5000,)
    assert crop.sum() == 1600


def test_scale_peak_sets_the_peak_and_leaves_silence() -> None:
    assert np.abs(scale_peak(np.array([0.0, 2.0, 0.0, -2.0], np.float32), 0.5)).max() == pytest.approx(0.5, abs=1e-6)
    assert not scale_peak(np.zeros(4, np.float32), 0.5).any()


def test_crop_batches_vary_in_level_and_stay_bounded() -> None:
    tone = np.sin(np.arange(16_000) * 0.3).astype(np.float32)
    batch = crop_batch([tone], length=4000, batch_size=64, rng=np.random.default_rng(0), peak=0.5)
    peaks = np.abs(batch).max(axis=1)
    assert batch.shape == (64, 4000)
    assert peaks.max() <= 1.0 + 1e-5
    assert peaks.min() < 0.2
