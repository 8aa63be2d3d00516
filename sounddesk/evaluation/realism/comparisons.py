"""The table's rows: each stage's sounds against their recordings, and what real recordings reach against each other."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sounddesk.evaluation.metrics.frechet import frechet_distance
from sounddesk.evaluation.metrics.frechet import frechet_interval
from sounddesk.evaluation.metrics.frechet import on_principal_axes
from sounddesk.evaluation.metrics.two_sample import two_sample_test
from sounddesk.evaluation.realism.realism_result import Comparison
from sounddesk.evaluation.realism.realism_result import Interval
from sounddesk.evaluation.recordings.excerpts import Band
from sounddesk.evaluation.recordings.sound_embedding import Embedding

LEAST_RECORDINGS: Final = 8
"""With fewer a distance says nothing, and there is no row."""
_SPLITS: Final = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddedSets:
    """Two sets of one band, float32[n, width] each, member by member of the same kind."""

    kinds: tuple[str, ...]
    real: Embedding
    made: Embedding


def compare(
    row: str, band: Band, sets: EmbeddedSets, *, is_ceiling: bool = False, on_step: Callable[[], None] | None = None
) -> Comparison:
    """A row with its intervals. Raises: ValueError, fewer than two kinds or recordings."""
    real, made = on_principal_axes(sets.real, sets.made)
    low, high = frechet_interval(real, made, reference_groups=sets.kinds, generated_groups=sets.kinds, on_draw=on_step)
    told = two_sample_test(sets.real, sets.made, real_groups=sets.kinds, made_groups=sets.kinds)
    auc_low, auc_high = told.interval()
    return Comparison(
        row=row,
        band=band,
        recordings=len(sets.kinds),
        kinds=len(set(sets.kinds)),
        axes=real.shape[1],
        distance=Interval(value=frechet_distance(real, made), low=low, high=high),
        auc=Interval(value=told.auc, low=auc_low, high=auc_high),
        is_ceiling=is_ceiling,
    )


def compare_halves(
    band: Band, real: Embedding, kinds: Sequence[str], *, on_step: Callable[[], None] | None = None
) -> Comparison:
    """Real against real: the mean over random halves, each kind halved as evenly as its number allows.

    The halves have half as many members as the other rows, which alone makes distances larger; the interval spans the
    halves that were drawn.
    """
    rng = np.random.default_rng(0)
    distances, aucs = [], []
    smaller = len(kinds)
    axes = 0
    for _ in range(_SPLITS):
        if on_step is not None:
            on_step()
        first = _half(kinds, rng)
        a, b = on_principal_axes(real[first], real[~first])
        smaller, axes = min(smaller, int(first.sum()), int((~first).sum())), a.shape[1]
        distances.append(frechet_distance(a, b))
        names = np.array(kinds)
        told = two_sample_test(
            real[first], real[~first], real_groups=names[first].tolist(), made_groups=names[~first].tolist()
        )
        aucs.append(told.auc)
    return Comparison(
        row="half against half",
        band=band,
        recordings=smaller,
        kinds=len(set(kinds)),
        axes=axes,
        distance=_spread(distances),
        auc=_spread(aucs),
        is_ceiling=True,
    )


def kind_distances(sets: EmbeddedSets) -> dict[str, list[float]]:
    """Of each kind, how far its made sounds are from their recordings, in the order of the sets.

    Euclidean on the principal axes of both sets, in units of the median distance of two real recordings, so that 1 is
    as far as any other recording.
    """
    real, made = on_principal_axes(sets.real, sets.made)
    between = np.linalg.norm(real[:, None] - real[None], axis=2)
    unit = float(np.median(between[np.triu_indices(len(real), 1)])) or 1.0
    found: dict[str, list[float]] = {}
    for kind, distance in zip(sets.kinds, np.linalg.norm(real - made, axis=1), strict=True):
        found.setdefault(kind, []).append(float(distance) / unit)
    return found


def _half(kinds: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """bool[n], true for one half: of a kind with an odd number the odd one falls to the smaller half."""
    chosen = np.zeros(len(kinds), dtype=bool)
    names = sorted(set(kinds))
    surplus = 0
    for index in rng.permutation(len(names)):
        members = rng.permutation(np.flatnonzero([kind == names[int(index)] for kind in kinds]))
        count = len(members) // 2
        if len(members) % 2:
            count += surplus < 0 or (surplus == 0 and bool(rng.integers(2)))
        surplus += 2 * count - len(members)
        chosen[members[:count]] = True
    return chosen


def _spread(values: Sequence[float]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(value=float(np.mean(values)), low=float(low), high=float(high))
