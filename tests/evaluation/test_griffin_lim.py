from __future__ import annotations

import torch

from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.specs import MelSpec
from sounddesk.evaluation.baselines.griffin_lim import griffin_lim


def chirp(seconds: float = 1.0) -> torch.Tensor:
    t = torch.arange(int(16_000 * seconds)) / 16_000
    return (0.4 * torch.sin(2 * torch.pi * (300 * t + 400 * t**2)))[None]


def test_iterations_bring_the_mel_nearer():
    spec = MelSpec()
    mel = LogMel(spec)(chirp())
    few = (LogMel(spec)(griffin_lim(mel, spec, iterations=0)) - mel).abs().mean()
    many = (LogMel(spec)(griffin_lim(mel, spec, iterations=32)) - mel).abs().mean()
    assert many < 0.6 * few


def test_length_is_frames_times_hop_and_repeatable():
    spec = MelSpec()
    mel = LogMel(spec)(chirp(0.5))
    first, second = (griffin_lim(mel, spec, iterations=2, seed=1) for _ in range(2))
    assert first.shape == (1, mel.shape[1] * spec.hop_length)
    assert torch.equal(first, second)
