"""Whether a confidence of 0.8 is right eight times of ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sounddesk.evaluation.metrics.proportion import Proportion


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Guesses of alike confidence.

    Attributes:
        low, high: confidences from `low` up to `high`.
        confidence: mean of them.
        right: how many were right of how many.
    """

    low: float
    high: float
    confidence: float
    right: Proportion

    def line(self) -> str:
        return f"confidence {self.low:.2f} to {self.high:.2f}, mean {self.confidence:.3f}: right {self.right.text()}"

    def to_json(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "confidence": self.confidence, "right": self.right.to_json()}


def reliability(
    confidences: Sequence[float],
    right: Sequence[bool],
    *,
    edges: Sequence[float] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0),
) -> tuple[ReliabilityBin, ...]:
    """The reliability table (DeGroot and Fienberg 1983), without empty rows; the last one holds its upper edge too.

    Example:
        >>> [row.right.share for row in reliability([0.1, 0.9, 0.9], [False, True, False])]
        [0.0, 0.5]
    """
    sure, hits = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    bins = []
    for low, high in pairwise(edges):
        inside = (sure >= low) & ((sure < high) | (high == edges[-1]))
        if inside.any():
            bins.append(
                ReliabilityBin(
                    low=low,
                    high=high,
                    confidence=float(sure[inside].mean()),
                    right=Proportion(hits=int(hits[inside].sum()), trials=int(inside.sum())),
                )
            )
    return tuple(bins)


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Mean distance between confidence and share of right guesses, weighted by the rows' guesses (Guo et al. 2017)."""
    total = sum(each.right.trials for each in bins)
    return sum(abs(each.confidence - each.right.share) * each.right.trials for each in bins) / total
