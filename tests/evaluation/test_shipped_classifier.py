"""The classifier that ships loads, is small, and knows what the starter bundle knows."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.sound_classifier import CLASSIFIER_RESOURCE
from sounddesk.evaluation.sound_classifier import SoundJudge
from sounddesk.resources_folder import resource


def test_it_is_under_4_mb():
    assert sum(file.stat().st_size for file in resource(CLASSIFIER_RESOURCE).iterdir()) < 4_000_000


def test_it_knows_every_kind_of_the_starter():
    assert {kind.name for kind in read_bundle_kinds(find_bundle("starter"))} <= set(SoundJudge.load().kinds)


@pytest.mark.parametrize("level", [0.5, 0.005])
def test_it_hears_wind_in_falling_noise_and_not_a_flute(level):
    judge = SoundJudge.load()
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(64_000))
    hz = np.fft.rfftfreq(64_000, 1 / 16_000)
    noise = np.fft.irfft(spectrum / np.maximum(hz, 50.0))
    scores = judge.log_probabilities((level * noise / np.abs(noise).max()).astype(np.float32), sample_rate_hz=16_000)
    assert judge.choose(scores, ["wind", "flute"]) == "wind"


def test_it_hears_a_flute_in_a_steady_tone_and_not_wind():
    t = np.arange(48_000) / 16_000
    vibrato = 880 * t + 2 * np.sin(2 * np.pi * 5 * t)
    tone = sum(np.sin(2 * np.pi * n * vibrato) / n**2 for n in (1, 2, 3))
    judge = SoundJudge.load()
    scores = judge.log_probabilities((0.3 * tone).astype(np.float32), sample_rate_hz=16_000)
    assert judge.choose(scores, ["wind", "flute"]) == "flute"
