"""Running means of what a training run logs."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field


@dataclass
class Averages:
    """Running means of the logged figures, each over the steps that reported it."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, figures: dict[str, float]) -> None:
        for key, value in figures.items():
            self.sums[key] = self.sums.get(key, 0.0) + value
            self.counts[key] = self.counts.get(key, 0) + 1

    def take(self) -> dict[str, float]:
        means = {key: round(value / self.counts[key], 5) for key, value in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means
