"""The energy score of drawn spectrograms: a loss that the true distribution alone makes smallest.

Half of the distance between two draws is taken from their distance to the truth (Gneiting and Raftery 2007), so a
network that draws is paid neither for the mean of what may be nor for more spread than there is. Distances are taken
in small patches and at several scales, since in many dimensions at once the score hardly sees how values hang together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_Patch = tuple[int, int]
# Cells that are averaged, the factor that brings their differences to the size of single values, and patches of cells.
_LOWER: Final[tuple[tuple[_Patch, float, tuple[_Patch, ...]], ...]] = (
    ((1, 1), 1.0, ((1, 1), (4, 4), (16, 2), (2, 16), (12, 12))),
    ((4, 4), 2.0, ((1, 1), (3, 3))),
    ((16, 2), 3.0, ((1, 1), (2, 4))),
    ((2, 16), 3.0, ((1, 1), (6, 2))),
)
_UPPER: Final[tuple[tuple[_Patch, float, tuple[_Patch, ...]], ...]] = (
    ((1, 1), 1.0, ((1, 1), (8, 4), (2, 20), (32, 2))),
    ((8, 4), 2.0, ((1, 1), (4, 3))),
    ((4, 20), 2.0, ((1, 1), (8, 1))),
)
_WHOLE_WEIGHT: Final = 4.0
_LOUD_WEIGHT: Final = 3.0


def energy_score(true: Tensor, first: Tensor, second: Tensor, *, upper: bool = False) -> Tensor:
    """Of two draws each, log levels float32[B, T, bands], averaged over all patches and scales.

    Args:
        upper: the bands above the mel, of which there are fewer and twice as many frames.
    """
    scales = _UPPER if upper else _LOWER
    scores = []
    parts = (_views(difference, scales) for difference in (first - true, second - true, first - second))
    for (wrong, patch), (also_wrong, _), (apart, _) in zip(*parts, strict=True):
        distance = 0.5 * (_distance(wrong, patch) + _distance(also_wrong, patch))
        scores.append(distance - 0.5 * _distance(apart, patch))
    return torch.stack(scores).mean()


def loudness_score(true: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The same of amplitudes beside the loudest of each, where what is soft hardly counts."""
    loudest = true.amax(dim=(1, 2), keepdim=True)
    return energy_score(*(_LOUD_WEIGHT * torch.exp(0.5 * (x - loudest).clamp(max=1.0)) for x in (true, first, second)))


def _views(
    difference: Tensor, scales: tuple[tuple[_Patch, float, tuple[_Patch, ...]], ...]
) -> Iterator[tuple[Tensor, _Patch]]:
    """The difference as it is and averaged, its slopes, and its mean over time; each with the patches to look at."""
    for (frames, bands), factor, patches in scales:
        cell = (min(frames, difference.shape[1]), min(bands, difference.shape[2]))
        averaged = functional.avg_pool2d(difference[:, None], cell)[:, 0] * factor
        for patch in patches:
            yield averaged, patch
    for patch in ((1, 1), (8, 3)):
        yield difference.diff(dim=1), patch
    for patch in ((1, 1), (4, 6)):
        yield difference.diff(dim=2), patch
    for patch in ((1, 1), (1, 8)):
        yield _WHOLE_WEIGHT * difference.mean(dim=1, keepdim=True), patch


def _distance(difference: Tensor, patch: _Patch) -> Tensor:
    """Mean over patches, half of one apart, of the root mean square within."""
    size = (min(patch[0], difference.shape[1]), min(patch[1], difference.shape[2]))
    stride = (max(1, size[0] // 2), max(1, size[1] // 2))
    squares = functional.avg_pool2d(difference[:, None] ** 2, size, stride)
    return (squares + 1e-6).sqrt().mean()
