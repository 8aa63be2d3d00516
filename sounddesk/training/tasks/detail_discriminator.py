"""Discriminators of spectrogram patches, for the detail's training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

# Log levels to about unit size.
_MEAN, _STD = -5.0, 3.0
_UNKNOWN = -11.0


class PatchDiscriminator(nn.Module):
    """Four convolutions over time and frequency, a score for each patch; bands are told apart by a learned shift."""

    def __init__(self, *, width: int, bands: int) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 4 * width, 4 * width)
        shapes = ((5, 2, 2), (5, 2, 2), (3, 2, 1), (3, 1, 1))
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, kernel, stride, padding))
            for a, b, (kernel, stride, padding) in zip(channels[:-1], channels[1:], shapes, strict=True)
        )
        half = -(-bands // 2)
        self.shifts = nn.ParameterList(
            [nn.Parameter(torch.zeros(width, 1, half)), nn.Parameter(torch.zeros(2 * width, 1, -(-half // 2)))]
        )
        self.score = weight_norm(nn.Conv2d(4 * width, 1, 3, 1, 1))

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """float[B, 3, T, bands] -> scores and the features of each layer."""
        features = []
        x = picture
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index < len(self.shifts):
                x = x + self.shifts[index]
            x = functional.leaky_relu(x, 0.15)
            features.append(x)
        return self.score(x).float(), features


class SpectrogramDiscriminators(nn.Module):
    """Two, the second at half the rate."""

    def __init__(self, *, bands: int, upper_bands: int, width: int) -> None:
        super().__init__()
        self.fine = PatchDiscriminator(width=width, bands=bands + upper_bands)
        self.coarse = PatchDiscriminator(width=width, bands=bands + upper_bands)

    def forward(self, picture: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Scores of both, and all features."""
        fine, fine_features = self.fine(picture)
        coarse, coarse_features = self.coarse(functional.avg_pool2d(picture, (2, 1)))
        return [fine, coarse], fine_features + coarse_features

    @staticmethod
    def picture(log_mel: Tensor, upper: Tensor, decoded: Tensor, known: Tensor) -> Tensor:
        """Log-mel [B, T, bands] and upper levels [B, T * subframes, upper bands] as float32[B, 3, T, all bands].

        Channels: the levels; how the first and last subframe differ; the decoded log-mel. Unknown bands are the same
        in real and made pictures.
        """
        upper = torch.where(known[:, None] > 0, upper, _UNKNOWN)
        frames = upper.reshape(len(upper), log_mel.shape[1], -1, upper.shape[-1])
        levels = torch.cat([log_mel, frames.mean(dim=2)], dim=-1)
        rise = torch.cat([torch.zeros_like(log_mel), frames[:, :, -1] - frames[:, :, 0]], dim=-1)
        given = torch.cat([decoded, torch.full_like(frames[:, :, 0], _MEAN)], dim=-1)
        return torch.stack([(levels - _MEAN) / _STD, rise, (given - _MEAN) / _STD], dim=1)
