"""How far raters agree beyond chance: kappa of two (Cohen 1960, 1968) and of many (Fleiss 1971)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ratings = npt.NDArray[np.floating]


def cohen_kappa(first: Sequence[int], second: Sequence[int], *, levels: int = 5, quadratic: bool = False) -> float:
    """Kappa of two raters of the same things; NaN where both gave one and the same rating to all, or nothing.

    Args:
        first, second: from 1 to `levels`, thing by thing.
        quadratic: weigh a disagreement by the square of its size, so that 4 beside 5 is nearly agreement.

    Example:
        >>> cohen_kappa([1, 1, 2, 2], [1, 2, 2, 2], levels=2)
        0.5
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} ratings: both raters must have rated the same things")
    if not first:
        return float("nan")
    table = np.zeros((levels, levels))
    np.add.at(table, (np.asarray(first) - 1, np.asarray(second) - 1), 1.0)
    return float(_kappas(table[None], quadratic=quadratic)[0])


def _kappas(tables: Ratings, *, quadratic: bool) -> Ratings:
    """Kappa of each table of how often one rating met the other, float[n, levels, levels]; NaN as in `cohen_kappa`."""
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    levels = np.arange(tables.shape[1])
    apart = np.abs(np.subtract.outer(levels, levels)).astype(np.float64)
    cost = apart**2 if quadratic else (apart > 0).astype(np.float64)
    by_chance = shares.sum(axis=2)[:, :, None] * shares.sum(axis=1)[:, None, :]
    observed, expected = (np.einsum("ij,nij->n", cost, each) for each in (shares, by_chance))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1.0 - observed / expected, np.nan)


def mean_cohen_kappa(ratings: Ratings, *, levels: int = 5, quadratic: bool = False) -> float:
    """Mean of `cohen_kappa` over all pairs of raters that share two things or more; NaN without any.

    Args:
        ratings: float[raters, things], NaN where one has not rated.
    """
    given = np.stack([ratings == level for level in range(1, levels + 1)]).astype(np.float32)
    known: list[float] = []
    for rater in range(len(ratings) - 1):
        # float[n, levels, levels] with each of the raters behind this one.
        tables = given[:, rater] @ given[:, rater + 1 :].reshape(-1, ratings.shape[1]).T
        tables = tables.reshape(levels, levels, -1).transpose(2, 0, 1).astype(np.float64)
        kappas = _kappas(tables[tables.sum(axis=(1, 2)) >= 2], quadratic=quadratic)
        known += kappas[~np.isnan(kappas)].tolist()
    return float(np.mean(known)) if known else float("nan")


def fleiss_kappa(ratings: Ratings, *, levels: int = 5) -> float:
    """Kappa of many raters, who need not all have rated everything; NaN where chance alone would agree.

    A thing counts by how many rated it, and not at all with one rater.

    Args:
        ratings: float[raters, things] from 1 to `levels`, NaN where one has not rated.
    """
    counts = np.stack([(ratings == level).sum(axis=0) for level in range(1, levels + 1)], axis=1).astype(np.float64)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return float("nan")
    raters = counts.sum(axis=1)
    agreement = (np.square(counts).sum(axis=1) - raters) / (raters * (raters - 1))
    observed = float(np.average(agreement, weights=raters))
    chance = float(np.square(counts.sum(axis=0) / raters.sum()).sum())
    return (observed - chance) / (1.0 - chance) if chance < 1.0 else float("nan")
