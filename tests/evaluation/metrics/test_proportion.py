from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.evaluation.metrics.proportion import Proportion


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Wilson's formula worked by hand: for no hits the upper end is z^2 / (n + z^2).
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (180, 200, 0.8506, 0.9343)],
)
def test_wilson_interval_of_known_cases(hits, trials, low, high):
    assert Proportion(hits=hits, trials=trials).interval() == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_share_and_mirrors(case):
    hits, trials = case
    low, high = Proportion(hits=hits, trials=trials).interval()
    assert 0.0 <= low <= hits / trials + 1e-12
    assert hits / trials - 1e-12 <= high <= 1.0
    mirrored = Proportion(hits=trials - hits, trials=trials).interval()
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_more_trials_narrow_the_interval():
    few, many = Proportion(hits=9, trials=10).interval(), Proportion(hits=900, trials=1000).interval()
    assert many[1] - many[0] < (few[1] - few[0]) / 5


@pytest.mark.parametrize(("hits", "trials"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(hits, trials):
    with pytest.raises(ValueError, match="between 0 and trials"):
        Proportion(hits=hits, trials=trials)


def test_text_and_json_name_the_counts():
    proportion = Proportion(hits=3, trials=4)
    assert proportion.text().startswith("0.750 (3 of 4, 95 % interval 0.301 to 0.954")
    assert proportion.to_json()["interval_95"] == pytest.approx([0.3006, 0.9544], abs=1e-4)
