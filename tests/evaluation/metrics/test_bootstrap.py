from __future__ import annotations

import numpy as np
import pytest

from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval


def test_the_interval_of_independent_values_is_the_textbook_one() -> None:
    values = np.random.default_rng(1).normal(0.6, 0.2, 400)
    low, high = bootstrap_interval(values.tolist(), range(400))
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.004)
    assert high == pytest.approx(values.mean() + half, abs=0.004)


def test_values_of_one_group_count_as_one_draw() -> None:
    values = [0.0] * 50 + [1.0] * 50
    alone = bootstrap_interval(values, range(100))
    grouped = bootstrap_interval(values, [0] * 50 + [1] * 50)
    assert alone[1] - alone[0] < 0.25
    assert grouped == (0.0, 1.0)
    assert bootstrap_interval(values, range(100)) == alone
