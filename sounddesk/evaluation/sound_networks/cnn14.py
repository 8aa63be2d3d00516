"""PANNs' Cnn14 at 16 kHz (Kong et al. 2020): 527 classes of AudioSet and 2048 values of a sound.

Log-mel of 64 bands, six pairs of 3 x 3 convolutions, the largest plus the mean over time. The sigmoid of a logit is how
probable its class is; classes may be true together.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.evaluation.sound_networks.front_end import power_spectrogram
from sounddesk.evaluation.sound_networks.front_end import slaney_filters

RATE_HZ = 16_000
LEAST_SAMPLES = 2 * RATE_HZ
"""Shorter sounds are padded to this, as audioldm_eval does."""

_N_FFT = 512
_HOP = 160
_BANDS = 64
_FLOOR = 1e-10


class _Pair(nn.Module):
    """Two convolutions with batch norm, then means of `pool` x `pool` values."""

    def __init__(self, channels_in: int, channels: int, *, pool: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.bn2 = nn.BatchNorm2d(channels)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.avg_pool2d(x, self.pool) if self.pool > 1 else x


class Cnn14(nn.Module):
    """Waveforms at 16 kHz -> logits and embeddings.

    Args:
        width: channels of the first pair, 64 in the published weights; each pair has twice as many as the one before.
        classes: 527 in the published weights.
    """

    def __init__(self, *, width: int = 64, classes: int = 527) -> None:
        super().__init__()
        widths = [1, *(width << step for step in range(6))]
        self.bn0 = nn.BatchNorm2d(_BANDS)
        for number, (before, after) in enumerate(pairwise(widths), start=1):
            self.add_module(f"conv_block{number}", _Pair(before, after, pool=2 if number < 6 else 1))
        self.fc1 = nn.Linear(widths[-1], widths[-1])
        self.fc_audioset = nn.Linear(widths[-1], classes)
        self.filters: Tensor
        filters = slaney_filters(rate_hz=RATE_HZ, n_fft=_N_FFT, bands=_BANDS, low_hz=50.0, high_hz=8000.0)
        self.register_buffer("filters", filters, persistent=False)

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """float32[B, n] -> float32[B, 1 + n // 160, 64] in dB."""
        power = power_spectrogram(waveforms, n_fft=_N_FFT, hop=_HOP).transpose(1, 2)
        return 10.0 * torch.log10((power @ self.filters).clamp(min=_FLOOR))

    def forward(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        """float32[B, n] -> logits float32[B, classes], embeddings float32[B, 32 * width]."""
        x = self.bn0(self.log_mel(waveforms)[:, None].transpose(1, 3)).transpose(1, 3)
        for number in range(1, 7):
            x = self.get_submodule(f"conv_block{number}")(x)
        x = x.mean(dim=3)
        x = x.amax(dim=2) + x.mean(dim=2)
        embeddings = functional.relu(self.fc1(x))
        return self.fc_audioset(embeddings), embeddings


def published_name(name: str) -> str | None:
    """Our name of a tensor of the published file; its spectrogram's tables are computed here."""
    return None if name.startswith(("spectrogram_extractor.", "logmel_extractor.")) else name
