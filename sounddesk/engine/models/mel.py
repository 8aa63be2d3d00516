"""Log-mel spectrogram front end, AudioLDM's by default."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn
from transformers.audio_utils import mel_filter_bank

from sounddesk.engine.specs import MelSpec


class LogMel(nn.Module):
    """Waveform to natural-log mel spectrogram, exactly `n // hop_length` frames.

    Framing is that of AudioLDM's training code: reflect-pad (n_fft - hop) / 2 on both sides and no
    centring, so that frame k is centred on sample (k + 1/2) * hop and the vocoder stays aligned.
    Magnitude (not power), Slaney scale and norm, clamp at `log_floor`.
    """

    def __init__(self, spec: MelSpec) -> None:
        super().__init__()
        self.spec = spec
        filters = mel_filter_bank(
            num_frequency_bins=spec.n_fft // 2 + 1,
            num_mel_filters=spec.n_mels,
            min_frequency=spec.fmin_hz,
            max_frequency=spec.fmax_hz,
            sampling_rate=spec.sample_rate_hz,
            norm="slaney",
            mel_scale="slaney",
        )
        self.filters: Tensor
        self.window: Tensor
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(spec.win_length, periodic=True), persistent=False)

    def stft(self, waveform: Tensor) -> Tensor:
        """float32[B, n] -> complex STFT [B, n // hop_length, n_fft // 2 + 1]."""
        pad = (self.spec.n_fft - self.spec.hop_length) // 2
        padded = nn.functional.pad(waveform[:, None], (pad, pad), mode="reflect")[:, 0]
        spectrum = torch.stft(
            padded,
            n_fft=self.spec.n_fft,
            hop_length=self.spec.hop_length,
            win_length=self.spec.win_length,
            window=self.window,
            center=False,
            return_complex=True,
        )
        return spectrum.transpose(1, 2)

    def magnitude(self, waveform: Tensor) -> Tensor:
        """float32[B, n] -> STFT magnitude float32[B, n // hop_length, n_fft // 2 + 1]."""
        stft = self.stft(waveform)
        # The epsilon keeps the gradient of the square root finite in digital silence.
        return torch.sqrt(stft.real**2 + stft.imag**2 + 1e-9)

    def from_magnitude(self, magnitude: Tensor) -> Tensor:
        """STFT magnitude float32[B, T, n_fft // 2 + 1] -> log-mel float32[B, T, n_mels]."""
        return torch.log(torch.clamp(magnitude @ self.filters, min=self.spec.log_floor))

    def forward(self, waveform: Tensor) -> Tensor:
        """float32[B, n] in [-1, 1] -> log-mel float32[B, n // hop_length, n_mels]."""
        return self.from_magnitude(self.magnitude(waveform))


def scale_to_peak(waveform: Tensor, spec: MelSpec) -> Tensor:
    """Remove the mean and scale the absolute peak to `spec.peak`; silence stays silence. float32[B, n]."""
    centred = waveform - waveform.mean(dim=-1, keepdim=True)
    return centred / (centred.abs().amax(dim=-1, keepdim=True) + 1e-8) * spec.peak
