"""OpenL3's two halves (Cramer et al. 2019): 512 values of each second of sound, and 512 of a picture.

'env', linear spectrogram. Both are learned together, though not into one space: a cosine between them says something
beside other cosines only.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

RATE_HZ = 48_000
WINDOW = RATE_HZ
HOP = 4_800
IMAGE_SIDE = 224

_N_FFT = 512
_STFT_HOP = 242
_FLOOR = 1e-10
_RANGE_DB = 80.0
_BATCH_NORM_EPS = 1e-3  # as Keras has it


class L3Tower(nn.Module):
    """Four pairs of 3 x 3 convolutions, a pooling after each, the last one to 1 x 1.

    Args:
        channels: of the input, 1 for spectrograms and 3 for pictures.
        last_pool: of the last feature map, (32, 24) for spectrograms and (28, 28) for pictures.
        width: channels of the first pair; 64 in the published weights.
        late_norm: the second layer of the first pair is normalised after its ReLU, as in the image half.
    """

    def __init__(self, *, channels: int, last_pool: tuple[int, int], width: int = 64, late_norm: bool = False) -> None:
        super().__init__()
        widths = [channels, width, width, 2 * width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width]
        self.norms = nn.ModuleList(nn.BatchNorm2d(each, eps=_BATCH_NORM_EPS) for each in widths[:-1])
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths))
        self.last_pool = last_pool
        self.late_norm = late_norm

    def forward(self, x: Tensor) -> Tensor:
        """float32[B, channels, H, W] -> float32[B, 8 * width]."""
        x = self.norms[0](x)
        for index, conv in enumerate(self.convs):
            x = conv(x)
            if index + 1 < len(self.convs):
                norm = self.norms[index + 1]
                late = self.late_norm and index == 1
                x = norm(functional.relu(x)) if late else functional.relu(norm(x))
            if index in (1, 3, 5):
                x = functional.max_pool2d(x, 2)
        # Rows and columns first, as Keras lays them out; one of each at the real size.
        return functional.max_pool2d(x, self.last_pool).permute(0, 2, 3, 1).flatten(1)


def audio_tower(width: int = 64) -> L3Tower:
    """The half that takes `spectrograms`."""
    return L3Tower(channels=1, last_pool=(32, 24), width=width)


def image_tower(width: int = 64) -> L3Tower:
    """The half that takes pictures float32[B, 3, 224, 224] in -1 to 1."""
    return L3Tower(channels=3, last_pool=(28, 28), width=width, late_norm=True)


def windows_of(waveform: Tensor) -> Tensor:
    """float32[n] at 48 kHz -> float32[N, 48000] every 0.1 s, the first in the middle of the first window."""
    padded = functional.pad(waveform, (WINDOW // 2, 0))
    steps = max(0, math.ceil((len(padded) - WINDOW) / HOP))
    return functional.pad(padded, (0, max(0, steps * HOP + WINDOW - len(padded)))).unfold(0, WINDOW, HOP)


def spectrograms(windows: Tensor) -> Tensor:
    """float32[N, 48000] -> float32[N, 1, 257, 197] in dB below the loudest of the window, down to -80."""
    frames = windows.unfold(1, _N_FFT, _STFT_HOP) * torch.hann_window(_N_FFT)
    magnitude = torch.fft.rfft(frames).abs().transpose(1, 2)
    level_db = 10.0 * torch.log10(magnitude.clamp(min=_FLOOR))
    level_db = level_db - level_db.amax(dim=(1, 2), keepdim=True)
    return level_db.clamp(min=-_RANGE_DB)[:, None]


def audio_name(name: str) -> str | None:
    """Our name of a tensor of torchopenl3's file."""
    return _numbered(name, last="audio_embedding_layer")


def image_name(layer: str, *, last: str = "vision_embedding_layer") -> str | None:
    """Our name of a tensor of the image half, whose layers were numbered by their order."""
    return _numbered(layer, last=last)


def _numbered(name: str, *, last: str) -> str | None:
    layer, _, kind = name.partition(".")
    if layer == last:
        return f"convs.7.{kind}"
    family, _, number = layer.rpartition("_")
    if family == "conv2d":
        return f"convs.{int(number) - 1}.{kind}"
    if family == "batch_normalization":
        return f"norms.{int(number) - 1}.{kind}"
    return None
