"""Shares of hits, with the interval that their number of trials allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from typing import Final

Z_95: Final = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """`hits` of `trials`."""

    hits: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.trials:
            raise ValueError(f"{self.hits} hits of {self.trials} trials: hits lie between 0 and trials")

    @property
    def share(self) -> float:
        """Hits divided by trials. Raises: ZeroDivisionError, without trials."""
        return self.hits / self.trials

    def interval(self, z: float = Z_95) -> tuple[float, float]:
        """Score interval of Wilson (1927): lowest and highest share that agree with the hits at `z` deviations.

        Trials count as independent. Objects of one scene share a picture, so the true interval is a little wider.
        """
        n, p = self.trials, self.share
        scale = 1.0 / (1.0 + z * z / n)
        centre = scale * (p + z * z / (2 * n))
        half = scale * z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (max(0.0, centre - half), min(1.0, centre + half))

    def text(self) -> str:
        """Such as '0.912 (365 of 400, 95 % interval 0.880 to 0.936)'."""
        low, high = self.interval()
        return f"{self.share:.3f} ({self.hits} of {self.trials}, 95 % interval {low:.3f} to {high:.3f})"

    def to_json(self) -> dict[str, Any]:
        low, high = self.interval()
        return {"share": self.share, "hits": self.hits, "trials": self.trials, "interval_95": [low, high]}
