"""Intervals for means of values that come in groups, such as objects in photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

_DRAWS: Final = 2000


def bootstrap_interval(
    values: Sequence[float], groups: Sequence[int], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean, drawn by whole groups, since values of one group are alike (Efron 1979).

    Args:
        values: one per object.
        groups: which group each is in, as long as `values`.
        level: of the interval, between 0 and 1.
        seed: of the draws.

    Example:
        >>> bootstrap_interval([0.5, 0.5, 0.5], [0, 0, 1])
        (0.5, 0.5)
    """
    _, indices = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(indices, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(indices)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(_DRAWS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
