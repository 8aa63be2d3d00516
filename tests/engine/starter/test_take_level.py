from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.engine.starter.detail_network import DetailConfig
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.engine.starter.take_level import CEILING
from sounddesk.engine.starter.take_level import MOST_RAISED_DB
from sounddesk.engine.starter.take_level import KindLoudness
from sounddesk.engine.starter.take_level import into_range
from sounddesk.engine.starter.take_level import level_gain
from sounddesk.engine.starter.take_level import max_momentary_lufs
from tests.tiny_bundle import AUDIO

RATE = 48_000
SILENCE = AUDIO.mel.log_silence
CONFIG = DetailConfig(
    width=4, hidden=8, bands=AUDIO.mel.n_mels, upper_bands=4, kinds=2, condition_width=3, loudest_frame=0.0
)


def tone(level: float, *, seconds: float = 1.0) -> torch.Tensor:
    return level * torch.sin(torch.arange(round(seconds * RATE)) * (2 * np.pi * 1000 / RATE))


def test_too_loud_spectrograms_are_lowered_as_a_whole() -> None:
    log_mel = torch.full((2, 8, 4), SILENCE)
    log_mel[0, 2] = 3.0
    log_mel[0, 5] = 1.0
    log_mel[1, 2] = -4.0
    sounding = log_mel > -9.0
    lowered = into_range(log_mel, sounding, loudest=0.0, silence=SILENCE)
    assert torch.logsumexp(2 * lowered[0], dim=1).max() == pytest.approx(0.0, abs=1e-5)
    assert lowered[0, 2, 0] - lowered[0, 5, 0] == pytest.approx(2.0)
    assert torch.equal(lowered[1], log_mel[1])
    assert lowered.min() == pytest.approx(SILENCE)


def test_kinds_are_told_by_the_condition() -> None:
    known = KindLoudness(2, 3)
    known.conditions.copy_(torch.eye(3)[:2])
    known.lufs.copy_(torch.tensor([-12.0, -24.0]))
    assert known.expected_lufs(torch.tensor([5.0, 0.0, 0.0])) == pytest.approx(-12.0, abs=0.01)
    assert known.expected_lufs(torch.tensor([0.0, 0.1, 0.0])) == pytest.approx(-24.0, abs=0.01)
    assert known.expected_lufs(torch.tensor([1.0, 1.0, 0.0])) == pytest.approx(-18.0, abs=0.01)


def test_pauses_and_length_do_not_change_a_loudness() -> None:
    long = max_momentary_lufs(tone(0.5, seconds=2.0), sample_rate_hz=RATE)
    paused = max_momentary_lufs(torch.cat([torch.zeros(RATE), tone(0.5)]), sample_rate_hz=RATE)
    assert long == pytest.approx(paused, abs=0.1)
    assert max_momentary_lufs(tone(0.5, seconds=0.2), sample_rate_hz=RATE) == pytest.approx(long - 3.0, abs=0.2)
    assert max_momentary_lufs(torch.zeros(RATE), sample_rate_hz=RATE) == -np.inf


def test_gain_reaches_the_loudness_within_its_limits() -> None:
    soft = tone(0.2)
    now = max_momentary_lufs(soft, sample_rate_hz=RATE)
    assert 20 * np.log10(level_gain(soft, sample_rate_hz=RATE, lufs=now + 5.0)) == pytest.approx(5.0)
    assert 20 * np.log10(level_gain(soft, sample_rate_hz=RATE, lufs=now - 30.0)) == pytest.approx(-30.0)
    assert level_gain(soft, sample_rate_hz=RATE, lufs=now + 40.0) == pytest.approx(10 ** (MOST_RAISED_DB / 20))
    assert level_gain(tone(0.8), sample_rate_hz=RATE, lufs=0.0) == pytest.approx(CEILING / 0.8, rel=1e-4)
    assert level_gain(tone(5e-4), sample_rate_hz=RATE, lufs=-10.0) == 1.0


def test_a_detail_levels_by_the_kind_that_was_asked_for(tmp_path: Path) -> None:
    torch.manual_seed(0)
    detail = SpectralDetail(CONFIG, AUDIO.mel).eval().requires_grad_(False)
    assert detail.loudness is not None
    detail.loudness.conditions.copy_(torch.eye(3)[:2])
    detail.loudness.lufs.copy_(torch.tensor([-15.0, -25.0]))
    detail.save(tmp_path)
    loaded = SpectralDetail.load(tmp_path, AUDIO.mel)
    log_mel = torch.full((1, 128, CONFIG.bands), -3.0)

    def synthesise(refined: torch.Tensor) -> torch.Tensor:
        return 0.1 * torch.sin(0.4 * torch.arange(refined.shape[1] * AUDIO.mel.hop_length))[None]

    for kind, lufs in enumerate((-15.0, -25.0)):
        made = loaded.render(log_mel, synthesise, seed=1, condition=torch.eye(3)[kind])[0]
        assert max_momentary_lufs(made, sample_rate_hz=RATE) == pytest.approx(lufs, abs=0.1)
    unasked = loaded.render(log_mel, synthesise, seed=1)
    assert unasked.abs().max() <= AUDIO.mel.peak + 1e-6
