"""Figures of systems, their intervals, and tests of the first system against the others."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sounddesk.evaluation.metrics.paired_tests import PairedDifference
from sounddesk.evaluation.metrics.paired_tests import bootstrap_test
from sounddesk.evaluation.metrics.paired_tests import holm
from sounddesk.evaluation.metrics.paired_tests import paired_t_test
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import Rows
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sounds.sounds_result import Cell
from sounddesk.evaluation.sounds.sounds_result import SystemTest

_MEAN_DRAWS: Final = 2000
_SET_DRAWS: Final = 200


def fitting(metric: SoundMetric, evidence: Sequence[ClipEvidence]) -> tuple[list[ClipEvidence], str]:
    """The clips that have what the metric needs, and what the others lack."""
    lacking = {need: sum(_lacks(each, need) for each in evidence) for need in metric.needs}
    told = [f"{count} without {_NEEDS[need]}" for need, count in lacking.items() if count]
    return [each for each in evidence if not any(_lacks(each, need) for need in metric.needs)], ", ".join(told)


_NEEDS: Final = {"reference": "a reference", "image": "a picture", "labels": "labels", "object": "an object"}


def _lacks(evidence: ClipEvidence, need: str) -> bool:
    match need:
        case "reference":
            return evidence.real is None
        case "image":
            return evidence.seen is None
        case "labels":
            return not evidence.clip.labels
        case _:
            return not evidence.clip.object


class MeasuredSystem:
    """One system by one metric, with the means to ask for its figure on other choices of clips."""

    def __init__(self, metric: SoundMetric, evidence: Sequence[ClipEvidence]) -> None:
        self._metric = metric
        used, self._lacking = fitting(metric, evidence)
        self.ids = [each.clip.id for each in used]
        self._place = {clip_id: place for place, clip_id in enumerate(self.ids)}
        self.prepared: PreparedMetric | None = metric.prepare(used) if len(used) >= metric.least_clips else None

    def cell(self, *, on_draw: Callable[[], None]) -> Cell:
        """The figure with its interval; `on_draw` may raise to stop."""
        if self.prepared is None:
            told = self._lacking or "too few sounds"
            return Cell(missing=f"{len(self.ids)} clips: it needs {self._metric.least_clips} ({told})")
        values = self.prepared.values
        count = len(self.ids) if values is None else int((~np.isnan(values)).sum())
        everything = np.arange(len(self.ids))
        value = self.prepared.figure(everything)
        if np.isnan(value):
            return Cell(missing=f"none of {len(self.ids)} clips is one that it knows")
        drawn = []
        for chosen in draws_of(len(everything), of_mean=values is not None):
            on_draw()
            drawn.append(self.prepared.figure(chosen))
        drawn = [each for each in drawn if not np.isnan(each)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        # Sets drawn with repetition have fewer different members, which alone moves a figure of the whole set.
        shift = 0.0 if values is not None else value - float(np.mean(drawn))
        return Cell(value=value, low=float(low) + shift, high=float(high) + shift, clips=count)

    def against(self, other: MeasuredSystem, *, on_draw: Callable[[], None]) -> tuple[PairedDifference, str] | None:
        """The difference on the clips that both have, and the name of the test; None where there are too few."""
        if self.prepared is None or other.prepared is None:
            return None
        shared = [clip_id for clip_id in self.ids if clip_id in other._place]
        mine = np.array([self._place[each] for each in shared], dtype=np.intp)
        theirs = np.array([other._place[each] for each in shared], dtype=np.intp)
        if self.prepared.values is not None and other.prepared.values is not None:
            first, second = self.prepared.values[mine], other.prepared.values[theirs]
            both = ~(np.isnan(first) | np.isnan(second))
            return (paired_t_test(first[both], second[both]), "paired t-test") if both.sum() >= 2 else None
        if len(shared) < self._metric.least_clips:
            return None
        drawn = []
        for chosen in draws_of(len(shared), of_mean=False):
            on_draw()
            drawn.append(self.prepared.figure(mine[chosen]) - other.prepared.figure(theirs[chosen]))
        difference = self.prepared.figure(mine) - other.prepared.figure(theirs)
        known = np.array(drawn)[~np.isnan(drawn)]
        return bootstrap_test(difference, known, pairs=len(shared)), "bootstrap"


def draws_of(count: int, *, of_mean: bool) -> Rows:
    """Choices of `count` clips with repetition, the same for all systems of equal numbers; intp[draws, count]."""
    rng = np.random.default_rng(0)
    return rng.integers(count, size=(_MEAN_DRAWS if of_mean else _SET_DRAWS, count)).astype(np.intp)


def tests_of(
    metric: SoundMetric, measured: Mapping[str, MeasuredSystem], *, on_draw: Callable[[], None]
) -> list[SystemTest]:
    """The first system against each other one."""
    first, *others = measured
    found = []
    for other in others:
        told = measured[first].against(measured[other], on_draw=on_draw)
        if told is not None:
            difference, test = told
            found.append(
                SystemTest(
                    metric=metric.name,
                    first=first,
                    other=other,
                    clips=difference.pairs,
                    difference=difference.difference,
                    low=difference.low,
                    high=difference.high,
                    p=difference.p,
                    test=test,
                )
            )
    corrected = holm([each.p for each in found])
    return [replace(each, p=p) for each, p in zip(found, corrected, strict=True)]


def half_against_half(evidence: Sequence[ClipEvidence]) -> list[ClipEvidence]:
    """References as if half of them were made to be like the other half, n // 2: what a perfect system would get."""
    known = [each for each in evidence if each.real is not None]
    order = np.random.default_rng(0).permutation(len(known))
    half = len(known) // 2
    pairs = zip(order[:half], order[half : 2 * half], strict=True)
    return [
        replace(known[int(a)], real=known[int(b)].real, real_key=known[int(b)].real_key, seen=None) for a, b in pairs
    ]
