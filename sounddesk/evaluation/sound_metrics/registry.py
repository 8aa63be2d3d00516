"""Metrics of sounds, each registered in its own module: which network it asks, and how clips get their figure."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt

from sounddesk.domain.registry import Registry
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.sound_networks.registry import Features

Rows = npt.NDArray[np.intp]
Need = Literal["reference", "image", "labels", "object"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipEvidence:
    """What is known about one sound of a system.

    Attributes:
        heard: features of the sound.
        heard_key: stands for the content of the sound.
        real: features of the reference.
        real_key: stands for the content of the reference.
        seen: features of the picture.
    """

    clip: EvaluationClip
    heard: Features
    heard_key: str
    real: Features | None = None
    real_key: str = ""
    seen: Features | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedMetric:
    """A metric of one system's clips.

    Attributes:
        figure: of a choice of the clips given as their places, which may be there several times.
        values: one for each clip where the figure is their mean, NaN for a clip that says nothing; None where it is a
            figure of the whole set.
    """

    figure: Callable[[Rows], float]
    values: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class SoundMetric:
    """A column of the report.

    Attributes:
        title: as the paper's tables have it.
        summary: what it says, a phrase.
        origin: 'paper' for one of the paper's with the network that the paper used; everything else is 'ours'.
        network: entry of `sound_networks.registry`.
        needs: what a clip must have.
        prepare: called with the clips that have all that is needed, two or more.
        least_clips: fewer say nothing, and there is no figure.
        rank: place among the columns, in the order of the paper's tables.
    """

    name: str
    title: str
    summary: str
    origin: Literal["paper", "ours"]
    better: Literal["higher", "lower"]
    network: str
    prepare: Callable[[Sequence[ClipEvidence]], PreparedMetric]
    needs: tuple[Need, ...] = ()
    least_clips: int = 2
    digits: int = 3
    rank: int = 100


METRICS: Final[Registry[SoundMetric]] = Registry("metric", package="sounddesk.evaluation.sound_metrics")


def mean_of(values: Sequence[float] | npt.NDArray[np.floating]) -> PreparedMetric:
    """A metric that is the mean of a value of each clip; NaN is left out."""
    known = np.asarray(values, dtype=np.float64)

    def figure(rows: Rows) -> float:
        chosen = known[rows]
        chosen = chosen[~np.isnan(chosen)]
        return float(chosen.mean()) if len(chosen) else float("nan")

    return PreparedMetric(figure=figure, values=known)


def stacked(evidence: Sequence[ClipEvidence], name: str) -> npt.NDArray[np.float32]:
    """A feature of all sounds, float32[n, ...]."""
    return np.stack([each.heard[name] for each in evidence])


def stacked_real(evidence: Sequence[ClipEvidence], name: str) -> npt.NDArray[np.float32]:
    """The same of their references."""
    return np.stack([real_of(each)[name] for each in evidence])


def real_of(evidence: ClipEvidence) -> Features:
    """Features of the reference, which a metric that needs one always gets."""
    if evidence.real is None:
        raise ValueError(f"clip {evidence.clip.id!r} has no reference: the metric must say that it needs one")
    return evidence.real


def seen_of(evidence: ClipEvidence) -> Features:
    """Features of the picture, which a metric that needs one always gets."""
    if evidence.seen is None:
        raise ValueError(f"clip {evidence.clip.id!r} has no picture: the metric must say that it needs one")
    return evidence.seen
