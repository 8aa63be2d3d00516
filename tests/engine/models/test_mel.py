"""The mel front end against an independent computation, and its frame counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.specs import MelSpec


def slaney_filters(spec: MelSpec) -> np.ndarray:
    """Slaney mel filters from their published definition: linear to 1 kHz, log above, equal area."""
    step_hz, corner_hz = 200.0 / 3, 1000.0
    log_step = math.log(6.4) / 27.0

    def to_mel(hz: float) -> float:
        return hz / step_hz if hz < corner_hz else corner_hz / step_hz + math.log(hz / corner_hz) / log_step

    def to_hz(mel: float) -> float:
        corner = corner_hz / step_hz
        return mel * step_hz if mel < corner else corner_hz * math.exp(log_step * (mel - corner))

    edges = [to_hz(m) for m in np.linspace(to_mel(spec.fmin_hz), to_mel(spec.fmax_hz), spec.n_mels + 2)]
    bins_hz = np.arange(spec.n_fft // 2 + 1) * spec.sample_rate_hz / spec.n_fft
    filters = np.zeros((len(bins_hz), spec.n_mels))
    for k in range(spec.n_mels):
        low, mid, high = edges[k : k + 3]
        up, down = (bins_hz - low) / (mid - low), (high - bins_hz) / (high - mid)
        filters[:, k] = np.clip(np.minimum(up, down), 0, None) * 2.0 / (high - low)
    return filters


def test_log_mel_equals_a_plain_fft_of_each_frame() -> None:
    spec = MelSpec()
    rng = np.random.default_rng(0)
    wave = (rng.standard_normal(3200) * 0.1).astype(np.float32)
    pad = (spec.n_fft - spec.hop_length) // 2
    padded = np.pad(wave.astype(np.float64), pad, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.win_length) / spec.win_length)
    frames = [padded[k * 160 : k * 160 + 1024] * window for k in range(20)]
    magnitude = np.abs(np.fft.rfft(frames, axis=1))
    expected = np.log(np.maximum(magnitude @ slaney_filters(spec), 1e-5))
    actual = LogMel(spec)(torch.from_numpy(wave)[None])[0].numpy()
    assert actual.shape == (20, 64)
    np.testing.assert_allclose(actual, expected, atol=2e-4)


@pytest.mark.parametrize(("seconds", "frames"), [(10.24, 1024), (10.0, 1000)])
def test_frame_count_is_samples_over_hop(seconds: float, frames: int) -> None:
    wave = torch.zeros(1, round(seconds * 16_000))
    assert LogMel(MelSpec())(wave).shape == (1, frames, 64)


def test_silence_is_the_log_of_the_floor_and_not_zero() -> None:
    mel = LogMel(MelSpec())(torch.zeros(1, 1600))
    # The square root's epsilon adds a little to a band of zeros; it must stay far below audibility.
    assert mel.max().item() < -5.0
    assert MelSpec().log_silence == pytest.approx(-11.513, abs=1e-3)


def test_scale_to_peak_keeps_silence_silent_and_finite() -> None:
    spec = MelSpec()
    assert torch.equal(scale_to_peak(torch.zeros(1, 100), spec), torch.zeros(1, 100))
    scaled = scale_to_peak(torch.tensor([[0.0, 3.0, 1.0, -2.0]]), spec)
    assert scaled.abs().max().item() == pytest.approx(0.5, abs=1e-6)
    assert scaled.mean().item() == pytest.approx(0.0, abs=1e-6)
