from __future__ import annotations

import numpy as np
import pytest

from sounddesk.evaluation.metrics.frechet import frechet_distance
from sounddesk.evaluation.metrics.frechet import frechet_interval
from sounddesk.evaluation.metrics.frechet import on_principal_axes
from sounddesk.evaluation.metrics.two_sample import area_under_curve
from sounddesk.evaluation.metrics.two_sample import logistic_regression
from sounddesk.evaluation.metrics.two_sample import two_sample_test


def test_area_under_curve_of_known_orders() -> None:
    assert area_under_curve(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert area_under_curve(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 0.0
    assert area_under_curve(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == pytest.approx((1 + 0 + 1 + 0.5) / 4)


def test_the_regression_is_at_a_stationary_point() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 3))
    y = (x @ [2.0, -1.0, 0.0] + rng.standard_normal(60) > 0).astype(float)
    weights, bias = logistic_regression(x, y)
    error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
    assert np.abs(x.T @ error + weights).max() < 1e-3
    assert abs(error.sum()) < 1e-3
    assert weights[0] > 0.5 > 0 > weights[1]


def test_sets_of_one_distribution_cannot_be_told_and_shifted_ones_can() -> None:
    rng = np.random.default_rng(0)
    groups = [f"k{index // 2}" for index in range(300)]
    real, same = rng.standard_normal((2, 300, 6))
    alike = two_sample_test(real, same, real_groups=groups, made_groups=groups)
    low, high = alike.interval()
    assert low < alike.auc < high
    assert alike.auc == pytest.approx(0.5, abs=0.07)
    apart = two_sample_test(real, same + [3, 0, 0, 0, 0, 0], real_groups=groups, made_groups=groups)
    assert apart.auc > 0.95
    assert apart.interval()[0] > 0.9


def test_what_tells_only_a_kind_does_not_help() -> None:
    """Made members are marked by a feature of their kind's own, so only a judge that knows the kind can tell."""
    groups = [f"k{index // 8}" for index in range(80)]
    kind = np.array([int(name[1:]) for name in groups])
    rng = np.random.default_rng(0)
    real = rng.standard_normal((80, 10)) * 0.1
    made = rng.standard_normal((80, 10)) * 0.1
    made[np.arange(80), kind] += 5.0
    told = two_sample_test(real, made, real_groups=groups, made_groups=groups)
    assert told.auc < 0.8
    with pytest.raises(ValueError, match="two or more"):
        two_sample_test(real, made, real_groups=["a"] * 80, made_groups=["a"] * 80)


def test_principal_axes_keep_distances_and_are_no_more_than_there_can_be() -> None:
    rng = np.random.default_rng(0)
    real, made = rng.standard_normal((30, 5)), rng.standard_normal((20, 5)) + 1
    a, b = on_principal_axes(real, made)
    assert (a.shape, b.shape) == ((30, 5), (20, 5))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(real, made))
    wide = rng.standard_normal((6, 100))
    assert on_principal_axes(wide, wide + 1)[0].shape == (6, 11)


def test_the_interval_of_the_distance_holds_it_and_shrinks_with_more_members() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for count in (24, 400):
        groups = [str(index) for index in range(count)]
        real, made = rng.standard_normal((count, 8)), rng.standard_normal((count, 8)) + 1
        low, high = frechet_interval(real, made, reference_groups=groups, generated_groups=groups)
        distance = frechet_distance(real, made)
        assert low < distance < high
        # Drawing with repetition alone makes distances larger; that is taken out.
        assert (low + high) / 2 == pytest.approx(distance, abs=(high - low) / 5)
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
