from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.detail_network import DetailConfig
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from tests.tiny_bundle import AUDIO
from tests.tiny_bundle import build_tiny_bundle

CONFIG = DetailConfig(width=4, hidden=8, bands=AUDIO.mel.n_mels, upper_bands=4)
SILENCE = AUDIO.mel.log_silence


@pytest.fixture(scope="module")
def detail() -> SpectralDetail:
    torch.manual_seed(0)
    made = SpectralDetail(CONFIG, AUDIO.mel).eval().requires_grad_(False)
    made.measure_noise(seconds=4.0)
    torch.nn.init.normal_(made.network.head.weight, std=0.1)
    return made


def lower_noise(log_mel: torch.Tensor) -> torch.Tensor:
    """Stands in the vocoder's place: the length is all that counts."""
    return torch.zeros(1, log_mel.shape[1] * AUDIO.mel.hop_length)


def test_grain_is_standardised_and_from_the_generator(detail: SpectralDetail) -> None:
    grain = detail.grain(400, torch.Generator().manual_seed(3))
    assert grain.shape == (1, 400, CONFIG.bands)
    assert grain.mean().abs() < 0.1
    assert abs(grain.std() - 1.0) < 0.1
    assert torch.equal(grain, detail.grain(400, torch.Generator().manual_seed(3)))
    assert not torch.equal(grain, detail.grain(400, torch.Generator().manual_seed(4)))
    # Windows of 512 samples 160 apart share most of their noise: the next frame is alike, a distant one is not.
    assert (grain[:, 1:] * grain[:, :-1]).mean() > 0.2
    assert (grain[:, 20:] * grain[:, :-20]).mean().abs() < 0.1


def test_silence_stays_silent(detail: SpectralDetail) -> None:
    silent = torch.full((1, 64, CONFIG.bands), SILENCE)
    refined, levels = detail.predict(silent, detail.grain(64, torch.Generator().manual_seed(0)))
    assert torch.equal(refined, silent)
    finished = detail.render(silent, lower_noise, seed=1)
    assert levels.max() < -20.0
    assert finished.abs().max() < 1e-6


def test_the_upper_band_follows_the_sound_below_as_far_as_the_bundle_says(detail: SpectralDetail) -> None:
    log_mel = torch.full((1, 64, CONFIG.bands), -3.0)

    def tone(mel: torch.Tensor) -> torch.Tensor:
        return 0.1 * torch.sin(2.0 * torch.arange(mel.shape[1] * AUDIO.mel.hop_length))[None]

    copied = detail.unlevelled(log_mel, tone, seed=1)
    noise_alone = SpectralDetail(replace(CONFIG, replicated=0.0), AUDIO.mel).eval()
    noise_alone.load_state_dict(detail.state_dict())
    apart = copied - noise_alone.unlevelled(log_mel, tone, seed=1)
    assert apart.std() > 0.1 * detail.unlevelled(log_mel, lower_noise, seed=1).std()


def test_sounding_parts_get_grain_and_an_upper_band(detail: SpectralDetail) -> None:
    log_mel = torch.full((1, 64, CONFIG.bands), -3.0)
    refined, levels = detail.predict(log_mel, detail.grain(64, torch.Generator().manual_seed(0)))
    assert refined.std() > 0.05
    assert levels.shape == (1, 64 * CONFIG.subframes, CONFIG.upper_bands)
    assert detail.render(log_mel, lower_noise, seed=1).shape == (1, 64 * AUDIO.mel.hop_length * 3)


def test_a_seed_decides_every_sample(detail: SpectralDetail) -> None:
    log_mel = torch.full((1, 40, CONFIG.bands), -3.0)
    first, again, other = (detail.render(log_mel, lower_noise, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_long_sounds_in_pieces_are_the_whole(detail: SpectralDetail, monkeypatch: pytest.MonkeyPatch) -> None:
    log_mel = torch.randn(1, 1200, CONFIG.bands, generator=torch.Generator().manual_seed(0)) - 4.0
    grain = detail.grain(1200, torch.Generator().manual_seed(0))
    whole, levels = detail.predict(log_mel, grain)
    monkeypatch.setattr("sounddesk.engine.starter.spectral_detail._PIECE_FRAMES", 600)
    pieces, piece_levels = detail.predict(log_mel, grain)
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=0)
    torch.testing.assert_close(piece_levels, levels, atol=1e-4, rtol=0)


def test_loud_and_soft_sounds_peak_as_recordings_do(detail: SpectralDetail) -> None:
    log_mel = torch.full((1, 24, CONFIG.bands), SILENCE)

    def finished(level: float) -> float:
        def tone(refined: torch.Tensor) -> torch.Tensor:
            n = torch.arange(refined.shape[1] * AUDIO.mel.hop_length)
            return level * torch.sin(0.1 * n)[None]

        return float(detail.render(log_mel, tone, seed=1).abs().max())

    assert finished(3.0) == pytest.approx(AUDIO.mel.peak)
    assert finished(0.9) == pytest.approx(AUDIO.mel.peak)
    assert finished(0.2) < 0.4


def test_what_peaks_over_full_scale_is_finished_again_below_it(detail: SpectralDetail) -> None:
    log_mel = torch.full((1, 24, CONFIG.bands), -3.0)
    heard: list[torch.Tensor] = []

    def peaks(loudest: float) -> float:
        def synthesise(refined: torch.Tensor) -> torch.Tensor:
            heard.append(refined)
            tone = torch.sin(0.1 * torch.arange(refined.shape[1] * AUDIO.mel.hop_length))
            return loudest * torch.exp(refined.mean() - heard[0].mean()) * tone[None]

        heard.clear()
        return float(detail.unlevelled(log_mel, synthesise, seed=1).abs().max())

    assert peaks(0.3) < 1.0
    assert len(heard) == 1
    assert peaks(3.0) < 1.0
    assert len(heard) == 2
    # Lowered by more than the excess, with the same noise.
    assert heard[0].mean() - heard[1].mean() > np.log(3.0)
    assert (heard[0] - heard[1]).std() < 0.2 * heard[0].std()


def test_saved_and_loaded_it_renders_the_same(detail: SpectralDetail, tmp_path: Path) -> None:
    detail.save(tmp_path)
    loaded = SpectralDetail.load(tmp_path, AUDIO.mel)
    log_mel = torch.full((1, 24, CONFIG.bands), -3.0)
    assert torch.equal(loaded.render(log_mel, lower_noise, seed=1), detail.render(log_mel, lower_noise, seed=1))


def test_bands_that_are_not_the_mels_are_refused(detail: SpectralDetail, tmp_path: Path) -> None:
    detail.save(tmp_path)
    with pytest.raises(ValueError, match="it is for 16 bands, the bundle's mel has 64"):
        SpectralDetail.load(tmp_path, type(AUDIO.mel)())


def test_takes_have_the_finished_rate_whatever_the_batch(tmp_path: Path) -> None:
    folder = build_tiny_bundle(tmp_path, detail=True, out_width=32)
    sampling = SamplingSettings(preset="fast", steps=2)

    def takes(session: EngineSession, *seeds: int):
        request = TextRequest(prompts=("dog",) * len(seeds), seeds=seeds, seconds=1.0, sampling=sampling)
        return session.generate_from_text(request)

    with EngineSession.open(bundle=Bundle.open(folder), device="cpu") as session:
        (alone,) = takes(session, 5)
        (again,) = takes(session, 5)
        _, beside = takes(session, 4, 5)
    assert alone.sample_rate_hz == alone.recipe["sample_rate_hz"] == 48_000
    assert alone.waveform.shape == (48_000,)
    assert np.array_equal(alone.waveform, again.waveform)
    assert np.abs(alone.waveform - beside.waveform).max() < 1e-3


def test_a_manifest_of_another_rate_is_refused(tmp_path: Path) -> None:
    manifest = build_tiny_bundle(tmp_path, detail=True) / MANIFEST_NAME
    manifest.write_text(manifest.read_text().replace('"finished_rate_hz": 48000', '"finished_rate_hz": 32000'))
    with (
        pytest.raises(BundleError, match="'detail' cannot be loaded .*it makes 48000 Hz, .* says 32000 Hz"),
        EngineSession.open(bundle=Bundle.open(manifest.parent), device="cpu") as session,
    ):
        session.load()
