"""Wav2CLIP's audio half (Wu et al. 2022): a sound in the space of CLIP ViT-B/32.

A ResNet-18 on the logarithm of a power spectrogram, standardised by its own mean and deviation, and a perceptron of two
layers.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.evaluation.sound_networks.front_end import power_spectrogram

RATE_HZ = 16_000

_N_FFT = 512
_HOP = 353
_OFFSET = 1e-7


class _Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class Wav2Clip(nn.Module):
    """float32[B, n] at 16 kHz -> float32[B, 512], not of unit length.

    Args:
        width: channels of the first layers; 64 in the published weights.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        before = width
        for number in range(1, 5):
            after = width << (number - 1)
            stride = 1 if number == 1 else 2
            layer = nn.Sequential(_Block(before, after, stride=stride), _Block(after, after, stride=1))
            self.add_module(f"layer{number}", layer)
            before = after
        self.transform = nn.Sequential(nn.Linear(before, before), nn.ReLU(), nn.Dropout(0.1), nn.Linear(before, before))

    def forward(self, waveforms: Tensor) -> Tensor:
        x = torch.log(power_spectrogram(waveforms, n_fft=_N_FFT, hop=_HOP) + _OFFSET)[:, None]
        # Each sound by itself, as it is when one is asked for.
        mean, deviation = x.mean(dim=(1, 2, 3), keepdim=True), x.std(dim=(1, 2, 3), keepdim=True)
        x = (x - mean) / (deviation + 1e-9)
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        found: Tensor = self.transform(x.mean(dim=(2, 3)))
        return found


def published_name(name: str) -> str | None:
    """Our name of a tensor of the published file, which has an image half and the spectrogram's window too."""
    family, _, rest = name.partition(".")
    if family == "audio_encoder" and not rest.startswith("spectrogram."):
        return rest
    if family == "audio_transform":
        return f"transform.{rest.removeprefix('sequential.')}"
    return None
