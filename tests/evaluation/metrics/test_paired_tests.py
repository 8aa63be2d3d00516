from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sounddesk.evaluation.metrics.paired_tests import bootstrap_test
from sounddesk.evaluation.metrics.paired_tests import holm
from sounddesk.evaluation.metrics.paired_tests import paired_t_test


def test_as_scipy_has_it() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 30)) + [[0.5], [0.0]]
    told, expected = paired_t_test(first, second), stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert told.p == pytest.approx(expected.pvalue, rel=1e-12)
    assert (told.low, told.high) == pytest.approx((interval.low, interval.high))
    assert told.pairs == 30


@pytest.mark.parametrize(("offset", "p"), [(0.0, 1.0), (0.3, 0.0)])
def test_equal_differences_decide(offset: float, p: float) -> None:
    values = np.linspace(0, 1, 7)
    told = paired_t_test(values + offset, values)
    assert told.p == p
    assert (told.low, told.high) == pytest.approx((offset, offset))


def test_too_few() -> None:
    with pytest.raises(ValueError, match="two pairs or more"):
        paired_t_test(np.ones(1), np.ones(1))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_draws_around_nothing_and_around_much() -> None:
    drawn = np.random.default_rng(0).standard_normal(2000) * 0.1
    clear = bootstrap_test(1.0, drawn + 1.2, pairs=10)
    assert clear.p == pytest.approx(1 / 2001)
    assert (clear.low, clear.high) == pytest.approx((1 - 0.196, 1 + 0.196), abs=0.02)
    assert bootstrap_test(0.0, drawn, pairs=10).p == 1.0
    assert bootstrap_test(0.1, drawn, pairs=10).p == pytest.approx(0.317, abs=0.05)
