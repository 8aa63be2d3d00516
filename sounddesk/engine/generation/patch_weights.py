"""From a mask over pixels to weights over patches: the mask rule of paper 3.2, and prompts inside a mask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]

FLAT_STD = 1e-6


def patch_coverage(mask: npt.NDArray[np.floating] | npt.NDArray[np.bool_], *, grid: tuple[int, int]) -> Weights:
    """Mean of `mask` [H, W] over each cell of `grid`, exact also where cells end inside a pixel; float32[P] in [0, 1].

    An object smaller than a patch keeps its share of it, so it is still the peak.
    """
    rows, cols = grid
    height, width = mask.shape
    integral = np.zeros((height + 1, width + 1))
    integral[1:, 1:] = np.cumsum(np.cumsum(mask, axis=0, dtype=np.float64), axis=1)
    down = _interpolate_rows(integral, np.linspace(0.0, height, rows + 1))
    both = _interpolate_rows(down.T, np.linspace(0.0, width, cols + 1)).T
    area = (height / rows) * (width / cols)
    cells = (both[1:, 1:] - both[:-1, 1:] - both[1:, :-1] + both[:-1, :-1]) / area
    return np.clip(cells, 0.0, 1.0).astype(np.float32).reshape(-1)


def _interpolate_rows(table: npt.NDArray[np.float64], positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low = np.minimum(positions.astype(np.int64), table.shape[0] - 2)
    share = (positions - low)[:, None]
    return table[low] * (1.0 - share) + table[low + 1] * share


def rescale_to_attention(coverage: Weights, *, attention_std: float | None, nonneg: bool = True) -> Weights:
    """Match the mean and standard deviation of attention weights: float32[P], sum 1.

    Softmax weights over P patches have mean exactly 1 / P. An affine match of mean and standard deviation
    keeps the sum but may need negative weights; with `nonneg` it stops where the smallest weight is zero,
    which for a binary mask is 'uniform on the mask'. A flat coverage gives uniform weights.

    Args:
        attention_std: None (no statistics in the bundle) goes straight to that limit.

    Raises:
        ValueError: the coverage is zero everywhere.
    """
    if not np.any(coverage > 0):
        raise ValueError("mask is empty: select an object or paint one")
    mean = 1.0 / coverage.size
    values = coverage.astype(np.float64)
    deviation = values - values.mean()
    std = float(deviation.std())
    if std < FLAT_STD:
        return np.full(coverage.size, mean, dtype=np.float32)
    limit = mean / -float(deviation.min())
    if attention_std is None:
        gain = limit
    else:
        gain = attention_std / std
        if nonneg:
            gain = min(gain, limit)
    return (mean + gain * deviation).astype(np.float32)


def weights_with_prompt(mask_weights: Weights, attention: Weights, coverage: Weights, *, sharpness: float) -> Weights:
    """Text attention for a prompt, inside the mask only: float32[P], sum 1.

    The mask's weights are multiplied by the prompt's attention, relative to its mean over the mask, to the
    power `sharpness`; where the mask covers nothing the weights stay as they were.
    """
    inside = coverage > 0
    relative = attention[inside].astype(np.float64)
    relative = relative / max(relative.mean(), 1e-12)
    weights = np.clip(mask_weights.astype(np.float64), 0.0, None)
    budget = weights[inside].sum()
    steered = weights[inside] * relative**sharpness
    if steered.sum() <= 0:
        return mask_weights
    weights[inside] = steered / steered.sum() * budget
    return (weights / weights.sum()).astype(np.float32)
