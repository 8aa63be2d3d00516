"""Tests of one system against another on the same clips."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy import special
from scipy import stats

_QUANTILES: Final = 4096

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """How much higher the first of two is.

    Attributes:
        pairs: how many values of each it stands on.
        low, high: of the 95 % interval.
        p: two-sided; of one test, before any correction.
    """

    pairs: int
    difference: float
    low: float
    high: float
    p: float


def paired_t_test(first: Values, second: Values) -> PairedDifference:
    """Student's test of paired values; where all differences are equal p is 1 for none and 0 for any.

    Raises:
        ValueError: fewer than two pairs, or unequal lengths.

    Example:
        >>> told = paired_t_test(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0, 5.0]))
        >>> told.difference, round(told.p, 4)
        (0.5, 0.391)
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"{len(first)} and {len(second)} values: a paired test needs two pairs or more")
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / np.sqrt(len(differences))
    # Rounding alone makes a spread of equal differences.
    if error <= 1e-12 * max(1.0, abs(mean)):
        return PairedDifference(pairs=len(differences), difference=mean, low=mean, high=mean, p=float(mean == 0.0))
    margin = error * float(stats.t.ppf(0.975, len(differences) - 1))
    p = 2.0 * float(stats.t.sf(abs(mean) / error, len(differences) - 1))
    return PairedDifference(pairs=len(differences), difference=mean, low=mean - margin, high=mean + margin, p=p)


def bootstrap_test(difference: float, drawn: Values, *, pairs: int) -> PairedDifference:
    """The same for figures of a whole set: their difference, and what it was for sets drawn with repetition.

    p is how often the draws stray from their mean by as much as the difference from nothing (Efron and Tibshirani 1993,
    16.4, with one added to both counts). The interval is that of the draws, moved to the difference.
    """
    drawn = np.asarray(drawn, dtype=np.float64)
    centred = drawn - drawn.mean()
    low, high = np.quantile(centred, [0.025, 0.975])
    p = (1 + int(np.count_nonzero(np.abs(centred) >= abs(difference)))) / (1 + len(drawn))
    return PairedDifference(
        pairs=pairs, difference=difference, low=difference + float(low), high=difference + float(high), p=p
    )


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's correction of the p of several tests (1979), in their order.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(ps)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda each: ps[each])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = largest
    return corrected


def power_of(difference: float, *, deviation: float, pairs: int, level: float = 0.05) -> float:
    """Chance that `paired_t_test` finds a true mean difference at `level`, two-sided.

    The noncentral t as a mean of normal distributions over quantiles of the variance: SciPy's own is not a number
    with two pairs and a large difference.

    Args:
        deviation: of the differences.
    """
    limits = _critical_means(pairs - 1, level)
    centre = difference / deviation * np.sqrt(pairs)
    return float(np.mean(special.ndtr(centre - limits) + special.ndtr(-centre - limits)))


@functools.lru_cache(maxsize=8)
def _critical_means(freedom: int, level: float) -> npt.NDArray[np.float64]:
    """The least mean that is found, in true standard errors, at even quantiles of the estimated variance."""
    quantiles = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    limits: npt.NDArray[np.float64] = stats.t.ppf(1 - level / 2, freedom) * np.sqrt(
        stats.chi2.ppf(quantiles, freedom) / freedom
    )
    return limits


def smallest_difference(*, deviation: float, pairs: int, power: float = 0.8, level: float = 0.05) -> float:
    """The mean difference that `paired_t_test` would find with this chance; 0 where the differences do not vary.

    Example:
        >>> round(smallest_difference(deviation=1.0, pairs=34), 2)
        0.5
    """
    if deviation <= 0:
        return 0.0

    def missed(deviations: float) -> float:
        return power_of(deviations, deviation=1.0, pairs=pairs, level=level) - power

    high = 1.0
    while missed(high) < 0:
        high *= 2
    return deviation * float(optimize.brentq(missed, 0.0, high))
