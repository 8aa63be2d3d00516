from __future__ import annotations

import itertools

import numpy as np
import pytest

from sounddesk.evaluation.metrics.agreement import cohen_kappa
from sounddesk.evaluation.metrics.agreement import fleiss_kappa
from sounddesk.evaluation.metrics.agreement import mean_cohen_kappa
from sounddesk.evaluation.metrics.paired_tests import power_of
from sounddesk.evaluation.metrics.paired_tests import smallest_difference


def test_cohen_by_hand() -> None:
    # 35 of 50 agree; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5 would.
    first = [1] * 20 + [1] * 5 + [2] * 10 + [2] * 15
    second = [1] * 20 + [2] * 5 + [1] * 10 + [2] * 15
    assert cohen_kappa(first, second, levels=2) == pytest.approx(0.4)
    assert cohen_kappa([1, 2, 3], [1, 2, 3]) == 1.0
    assert np.isnan(cohen_kappa([3, 3], [3, 3]))
    assert np.isnan(cohen_kappa([], []))
    with pytest.raises(ValueError, match="same things"):
        cohen_kappa([1], [1, 2])


def test_quadratic_weights_forgive_neighbours() -> None:
    first, near, far = [1, 2, 3, 4, 5], [2, 3, 4, 5, 4], [5, 5, 1, 1, 1]
    assert cohen_kappa(first, near, quadratic=True) > 0.5 > 0 > cohen_kappa(first, far, quadratic=True)
    assert cohen_kappa(first, near) < 0


def test_fleiss_as_in_his_paper() -> None:
    """Ten things, 14 raters, five levels: 0.210, the worked example that everyone repeats."""
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    ratings = np.array([[level for level, n in enumerate(row, start=1) for _ in range(n)] for row in counts]).T
    assert fleiss_kappa(ratings.astype(float)) == pytest.approx(0.2099, abs=1e-4)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_raters_who_know_a_share_and_guess_the_rest_agree_by_its_square(share: float) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, 2000)
    guesses = rng.integers(1, 6, (6, 2000))
    ratings = np.where(rng.random((6, 2000)) < share, truth, guesses).astype(float)
    assert mean_cohen_kappa(ratings) == pytest.approx(share**2, abs=0.02)
    assert fleiss_kappa(ratings) == pytest.approx(share**2, abs=0.02)
    # The same where each has rated half of it.
    ratings[rng.random(ratings.shape) < 0.5] = np.nan
    assert fleiss_kappa(ratings) == pytest.approx(share**2, abs=0.03)
    assert mean_cohen_kappa(ratings) == pytest.approx(share**2, abs=0.03)


@pytest.mark.parametrize("quadratic", [False, True])
def test_the_mean_is_that_of_every_pair(quadratic: bool) -> None:
    rng = np.random.default_rng(1)
    ratings = rng.integers(1, 6, (5, 12)).astype(float)
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    found = []
    for first, second in itertools.combinations(ratings, 2):
        both = ~(np.isnan(first) | np.isnan(second))
        pair = (each[both].astype(int).tolist() for each in (first, second))
        found.append(cohen_kappa(*pair, quadratic=quadratic))
    assert mean_cohen_kappa(ratings, quadratic=quadratic) == pytest.approx(np.mean(found))


def test_nothing_shared_is_no_agreement() -> None:
    ratings = np.array([[1.0, np.nan], [np.nan, 2.0]])
    assert np.isnan(mean_cohen_kappa(ratings))
    assert np.isnan(fleiss_kappa(ratings))


def test_power_is_what_simulation_says() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((4000, 20)) + 0.6
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / np.sqrt(20))
    assert power_of(0.6, deviation=1.0, pairs=20) == pytest.approx(float(np.mean(np.abs(t) > 2.093)), abs=0.03)
    found = smallest_difference(deviation=2.0, pairs=20)
    assert power_of(found, deviation=2.0, pairs=20) == pytest.approx(0.8, abs=1e-6)
    assert smallest_difference(deviation=0.0, pairs=20) == 0.0


@pytest.mark.parametrize("pairs", [2, 3, 50])
@pytest.mark.parametrize("deviation", [1e-15, 0.1, 1.4142135623730951, 1e6])
def test_a_smallest_difference_is_found_for_few_pairs_and_any_deviation(pairs: int, deviation: float) -> None:
    found = smallest_difference(deviation=deviation, pairs=pairs)
    assert power_of(found, deviation=deviation, pairs=pairs) == pytest.approx(0.8, abs=0.01)
