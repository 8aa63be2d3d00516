"""Can two sets of vectors be told apart? A two-sample test by logistic regression (Lopez-Paz and Oquab 2017).

0.5 says that they cannot, 1.0 that every member can be told. Written here because scikit-learn is no dependency
and the regression is one convex function for scipy's L-BFGS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import rankdata

Vectors = npt.NDArray[np.floating]
Scores = npt.NDArray[np.float64]

_DRAWS: Final = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoSampleTest:
    """Scores of all members, each by a regression that saw neither it nor its group.

    Attributes:
        real, made: log-odds of being made, float64[n] and float64[m].
        real_groups, made_groups: whole groups are drawn for the interval.
    """

    real: Scores
    made: Scores
    real_groups: tuple[str, ...]
    made_groups: tuple[str, ...]

    @property
    def auc(self) -> float:
        return area_under_curve(self.real, self.made)

    def interval(self, *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Percentile bootstrap over groups; the regressions are not fitted again."""
        rng = np.random.default_rng(seed)
        names = sorted({*self.real_groups, *self.made_groups})
        real = [self.real[[g == name for g in self.real_groups]] for name in names]
        made = [self.made[[g == name for g in self.made_groups]] for name in names]
        drawn = []
        for chosen in rng.integers(len(names), size=(_DRAWS, len(names))):
            first, second = (np.concatenate([side[i] for i in chosen]) for side in (real, made))
            if len(first) and len(second):
                drawn.append(area_under_curve(first, second))
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def two_sample_test(
    real: Vectors,
    made: Vectors,
    *,
    real_groups: Sequence[str],
    made_groups: Sequence[str],
    folds: int = 5,
    seed: int = 0,
) -> TwoSampleTest:
    """Test vectors float[n, d] against float[m, d], the members of a group always in one fold.

    Raises:
        ValueError: fewer groups than two, or other numbers of groups than of vectors.
    """
    if len(real) != len(real_groups) or len(made) != len(made_groups):
        raise ValueError(f"{len(real)} and {len(made)} vectors: give each its group")
    names = sorted({*real_groups, *made_groups})
    if len(names) < 2:
        raise ValueError(f"groups are {names}: a test with folds needs two or more")
    folds = min(folds, len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[int(index)]: place % folds for place, index in enumerate(order)}
    x = np.concatenate([real, made]).astype(np.float64)
    y = np.concatenate([np.zeros(len(real)), np.ones(len(made))])
    fold = np.array([fold_of[name] for name in (*real_groups, *made_groups)])
    scores = np.zeros(len(x))
    for each in range(folds):
        known, asked = fold != each, fold == each
        mean, scale = x[known].mean(axis=0), x[known].std(axis=0) + 1e-6
        weights, bias = logistic_regression((x[known] - mean) / scale, y[known])
        scores[asked] = (x[asked] - mean) / scale @ weights + bias
    return TwoSampleTest(
        real=scores[: len(real)],
        made=scores[len(real) :],
        real_groups=tuple(real_groups),
        made_groups=tuple(made_groups),
    )


def logistic_regression(x: Vectors, y: Vectors, *, penalty: float = 1.0) -> tuple[npt.NDArray[np.float64], float]:
    """Weights float64[d] and bias of the regression of y (0 or 1) on x, with penalty / 2 times the squared weights."""

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights, bias = parameters[:-1], parameters[-1]
        logits = x @ weights + bias
        value = np.sum(np.logaddexp(0.0, logits) - y * logits) + 0.5 * penalty * weights @ weights
        # The logistic function without overflow.
        error = np.exp(-np.logaddexp(0.0, -logits)) - y
        return float(value), np.append(x.T @ error + penalty * weights, error.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return found.x[:-1], float(found.x[-1])


def area_under_curve(negative: Vectors, positive: Vectors) -> float:
    """Probability that a positive scores higher than a negative, ties counting half (Mann and Whitney 1947)."""
    ranks = rankdata(np.concatenate([negative, positive]))
    n, m = len(negative), len(positive)
    return float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))
