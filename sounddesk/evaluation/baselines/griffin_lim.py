"""Griffin-Lim phase reconstruction from a log-mel spectrogram (Griffin and Lim 1984)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.specs import MelSpec


@torch.no_grad()
def griffin_lim(
    log_mel: Tensor, spec: MelSpec, *, iterations: int = 64, momentum: float = 0.99, seed: int = 0
) -> Tensor:
    """Log-mel float32[B, T, n_mels] -> waveform float32[B, T * hop_length].

    The mel is inverted with the pseudo-inverse of the filter bank, clamped at zero; the fast variant with
    momentum (Perraudin et al. 2013) is used because it is the stronger baseline.
    """
    front_end = LogMel(spec)
    inverse = torch.linalg.pinv(front_end.filters)
    magnitude = torch.clamp(torch.exp(log_mel) @ inverse, min=0.0).transpose(1, 2)
    generator = torch.Generator().manual_seed(seed)
    angle = torch.rand(magnitude.shape, generator=generator) * 2 * torch.pi
    estimate = torch.polar(magnitude, angle)
    previous = torch.zeros_like(estimate)
    waveform = _inverse(estimate, front_end)
    for _ in range(iterations):
        rebuilt = front_end.stft(waveform).transpose(1, 2)
        accelerated = rebuilt + momentum * (rebuilt - previous)
        previous = rebuilt
        phase = accelerated / accelerated.abs().clamp(min=1e-9)
        waveform = _inverse(magnitude * phase, front_end)
    return waveform


def _inverse(spectrum: Tensor, front_end: LogMel) -> Tensor:
    spec = front_end.spec
    frames = torch.fft.irfft(spectrum, n=spec.n_fft, dim=1) * front_end.window[:, None]
    count = spectrum.shape[2]
    length = (count - 1) * spec.hop_length + spec.n_fft
    fold = {"output_size": (1, length), "kernel_size": (1, spec.n_fft), "stride": (1, spec.hop_length)}
    summed = nn.functional.fold(frames, **fold)[:, 0, 0]
    square = (front_end.window**2)[None, :, None].expand(1, spec.n_fft, count)
    weight = nn.functional.fold(square, **fold)[:, 0, 0]
    pad = (spec.n_fft - spec.hop_length) // 2
    return (summed / weight.clamp(min=1e-3))[:, pad : length - pad]
