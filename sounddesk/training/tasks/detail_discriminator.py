"""Discriminators of spectrograms, for the detail's training: two of patches, two of whole columns."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

# Log levels to about unit size.
_MEAN, _STD = -5.0, 3.0
_UNKNOWN = -11.0
_SLOPE: Final = 0.2
# Frames over which the slow column discriminator is told mean and fluctuation.
_SLOW_FRAMES: Final = 4


class PatchDiscriminator(nn.Module):
    """Four convolutions over time and frequency, a score for each patch; bands are told apart by a learned shift."""

    def __init__(self, *, width: int, bands: int) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 3 * width, 3 * width)
        shapes = ((5, 2, 2), (5, 2, 2), (3, 2, 1), (3, 1, 1))
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, kernel, stride, padding))
            for (a, b), (kernel, stride, padding) in zip(pairwise(channels), shapes, strict=True)
        )
        half = -(-bands // 2)
        self.shifts = nn.ParameterList(
            [nn.Parameter(torch.zeros(width, 1, half)), nn.Parameter(torch.zeros(2 * width, 1, -(-half // 2)))]
        )
        self.score = weight_norm(nn.Conv2d(3 * width, 1, 3, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """float[B, 3, T, bands] -> float32[B, 1, patches in time, patches in frequency]."""
        x = picture
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index < len(self.shifts):
                x = x + self.shifts[index]
            x = functional.leaky_relu(x, _SLOPE)
        scores: Tensor = self.score(x).float()
        return scores


class ColumnDiscriminator(nn.Module):
    """Convolutions over time alone: every score hears all bands at once, and so what they do together."""

    def __init__(self, *, values: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv1d(a, width, 5, stride, 2)) for a, stride in ((values, 1), (width, 2), (width, 2))
        )
        self.score = weight_norm(nn.Conv1d(width, 1, 3, 1, 1))

    def forward(self, columns: Tensor) -> Tensor:
        """float[B, values, T] -> float32[B, 1, T // 4]."""
        for layer in self.layers:
            columns = functional.leaky_relu(layer(columns), _SLOPE)
        scores: Tensor = self.score(columns).float()
        return scores


class SpectrogramDiscriminators(nn.Module):
    """Patches as they are and at half the rate; columns as they are, and of their mean and fluctuation."""

    def __init__(self, *, bands: int, upper_bands: int, width: int) -> None:
        super().__init__()
        every = bands + upper_bands
        self.bands = bands
        self.fine = PatchDiscriminator(width=width, bands=every)
        self.coarse = PatchDiscriminator(width=max(1, round(0.8 * width)), bands=every)
        self.columns = ColumnDiscriminator(values=2 * every + bands, width=5 * width)
        self.slow_columns = ColumnDiscriminator(values=2 * every + bands, width=5 * width)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Scores of all."""
        slow = functional.avg_pool2d(picture, (_SLOW_FRAMES, 1))
        squares = functional.avg_pool2d(picture[:, 0] ** 2, (_SLOW_FRAMES, 1))
        fluctuation = (squares - slow[:, 0] ** 2).clamp(min=1e-4).sqrt()
        return [
            self.fine(picture),
            self.coarse(functional.avg_pool2d(picture, (2, 1))),
            self.columns(self._columns(picture[:, 0], picture[:, 1], picture[:, 2])),
            # A fluctuation is about a third of a level's spread.
            self.slow_columns(self._columns(slow[:, 0], 3.0 * fluctuation, slow[:, 2])),
        ]

    def _columns(self, levels: Tensor, beside: Tensor, given: Tensor) -> Tensor:
        return torch.cat([levels, beside, given[..., : self.bands]], dim=-1).transpose(1, 2)

    @staticmethod
    def picture(log_mel: Tensor, upper: Tensor, decoded: Tensor, known: Tensor) -> Tensor:
        """Log-mel [B, T, bands] and upper levels [B, T * subframes, upper bands] as float32[B, 3, T, all bands].

        Channels: the levels; below what was added to the decoded log-mel, above how the first and last subframe differ;
        the decoded log-mel. Unknown bands are the same in real and made pictures.
        """
        upper = torch.where(known[:, None] > 0, upper, _UNKNOWN)
        frames = upper.reshape(len(upper), log_mel.shape[1], -1, upper.shape[-1])
        levels = torch.cat([log_mel, frames.mean(dim=2)], dim=-1)
        beside = torch.cat([log_mel - decoded, frames[:, :, -1] - frames[:, :, 0]], dim=-1)
        given = torch.cat([decoded, torch.full_like(frames[:, :, 0], _MEAN)], dim=-1)
        return torch.stack([(levels - _MEAN) / _STD, beside, (given - _MEAN) / _STD], dim=1)
