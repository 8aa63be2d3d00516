"""Exact inversion, lengths, and the published vocoder's odd 32 samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers.models.speecht5.configuration_speecht5 import SpeechT5HifiGanConfig
from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

from sounddesk.engine.bundles.component_classes import load_vocoder
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.vocoder import HifiGanVocoder
from sounddesk.engine.models.vocoder import IstftVocoder
from sounddesk.engine.models.vocoder import IstftVocoderConfig
from sounddesk.engine.specs import MelSpec

TINY = IstftVocoderConfig(width=16, hidden=24, blocks=2)


def audioldm_hifigan(channels: int) -> SpeechT5HifiGan:
    config = SpeechT5HifiGanConfig(
        model_in_dim=64,
        sampling_rate=16_000,
        upsample_initial_channel=channels,
        upsample_rates=[5, 4, 2, 2, 2],
        upsample_kernel_sizes=[16, 16, 8, 4, 4],
        resblock_kernel_sizes=[3, 7, 11],
        resblock_dilation_sizes=[[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        normalize_before=False,
    )
    return SpeechT5HifiGan(config).eval()


def test_the_inverse_stft_is_exact_for_a_real_spectrum() -> None:
    spec = MelSpec()
    vocoder = IstftVocoder(TINY, spec)
    wave = torch.randn(2, 4000) * 0.1
    pad = (spec.n_fft - spec.hop_length) // 2
    padded = nn.functional.pad(wave[:, None], (pad, pad), mode="reflect")[:, 0]
    spectrum = torch.stft(padded, 1024, 160, window=vocoder.window, center=False, return_complex=True)
    torch.testing.assert_close(vocoder.inverse(spectrum), wave, atol=1e-5, rtol=0)


@pytest.mark.parametrize("frames", [1, 7, 100])
def test_length_is_frames_times_hop(frames: int) -> None:
    vocoder = IstftVocoder(TINY, MelSpec()).eval()
    wave = vocoder.synthesise(torch.full((2, frames, 64), -5.0))
    assert wave.shape == (2, frames * 160)
    assert torch.isfinite(wave).all()


def test_an_untrained_vocoder_already_follows_the_loudness_of_the_mel() -> None:
    torch.manual_seed(0)
    vocoder = IstftVocoder(TINY, MelSpec()).eval()
    quiet, loud = (vocoder.synthesise(torch.full((1, 60, 64), level)).std().item() for level in (-8.0, -2.0))
    assert loud > 50 * quiet


def test_refining_brings_the_sound_closer_to_its_mel() -> None:
    torch.manual_seed(0)
    front_end = LogMel(MelSpec())
    # A chirp with noise: neither phase nor magnitude of an untrained network fit.
    time_s = torch.arange(16_000) / 16_000
    wave = 0.3 * torch.sin(2 * torch.pi * (300 + 900 * time_s) * time_s) + 0.02 * torch.randn(16_000)
    mel = front_end(wave[None])
    distances = []
    for refinements in (0, 1, 6):
        torch.manual_seed(1)
        vocoder = IstftVocoder(dataclasses.replace(TINY, refinements=refinements), MelSpec()).eval()
        distances.append((front_end(vocoder.synthesise(mel)) - mel).abs().mean().item())
    assert distances[1] < distances[0]
    assert distances[2] < 0.6 * distances[0]


def test_items_of_a_batch_do_not_touch_each_other() -> None:
    vocoder = IstftVocoder(TINY, MelSpec()).eval()
    mel = torch.randn(3, 40, 64) - 4
    torch.testing.assert_close(vocoder.synthesise(mel)[1:2], vocoder.synthesise(mel[1:2]), atol=1e-5, rtol=0)


def test_save_and_load_are_bit_equal(tmp_path: Path) -> None:
    vocoder = IstftVocoder(TINY, MelSpec()).eval()
    vocoder.save(tmp_path)
    mel = torch.randn(1, 20, 64)
    loaded = load_vocoder("IstftVocoder", tmp_path, MelSpec())
    assert torch.equal(loaded.synthesise(mel), vocoder.synthesise(mel))


@pytest.mark.parametrize("frames", [100, 128])
def test_audioldms_vocoder_returns_32_samples_too_many_which_are_trimmed(frames: int, tmp_path: Path) -> None:
    model = audioldm_hifigan(channels=32)
    mel = torch.randn(1, frames, 64)
    with torch.no_grad():
        assert model(mel).shape == (1, 160 * frames + 32)
    model.save_pretrained(tmp_path)
    vocoder = load_vocoder("SpeechT5HifiGan", tmp_path, MelSpec())
    assert isinstance(vocoder, HifiGanVocoder)
    assert vocoder.synthesise(mel).shape == (1, 160 * frames)


def test_unknown_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'WaveNet'"):
        load_vocoder("WaveNet", tmp_path, MelSpec())
