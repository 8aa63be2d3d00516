"""Lengths and shapes: AudioLDM's own numbers, the starter's, and refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.specs import check_seconds
from sounddesk.storage.codec import decode

AUDIOLDM = AudioSpec(mel=MelSpec(), latent=LatentSpec())


def test_ten_seconds_of_audioldm_are_1024_frames_and_a_256_by_16_latent() -> None:
    shape = AUDIOLDM.request_shape(10.0)
    assert (shape.n_samples, shape.mel_frames, shape.latent) == (160_000, 1024, (8, 256, 16))


@given(st.floats(1, 60))
def test_every_length_is_exact_and_covered_by_whole_latents(seconds: float) -> None:
    shape = AUDIOLDM.request_shape(seconds)
    assert shape.n_samples == round(seconds * 16_000)
    assert shape.mel_frames * 160 >= shape.n_samples
    assert shape.latent_frames % AUDIOLDM.latent_multiple == 0
    assert (shape.mel_frames - 32) * 160 < shape.n_samples


@pytest.mark.parametrize("seconds", [0, -1, 0.99, 60.01, math.nan, math.inf])
def test_other_lengths_are_refused_with_the_range(seconds: float) -> None:
    with pytest.raises(ValueError, match="from 1 s to 60 s"):
        check_seconds(seconds)


def test_json_round_trip() -> None:
    spec = AudioSpec(mel=MelSpec(n_mels=80), latent=LatentSpec(freq_factor=8, mel_fold=(4, 8)), latent_multiple=4)
    assert decode(AudioSpec, spec.to_json()) == spec


def test_a_window_longer_than_the_transform_is_refused() -> None:
    with pytest.raises(ValueError, match="win_length 1024 exceeds n_fft 512"):
        MelSpec(n_fft=512)
    with pytest.raises(ValueError, match="exceeds half"):
        MelSpec(fmax_hz=9000)
