"""The ablation table: the paper's figures are the paper's, and a verdict needs more than noise."""

from __future__ import annotations

import math

import pytest

from sounddesk.evaluation.ablation_report import METRICS
from sounddesk.evaluation.ablation_report import ROWS
from sounddesk.evaluation.ablation_report import by_variant
from sounddesk.evaluation.ablation_report import difference
from sounddesk.evaluation.ablation_report import report
from sounddesk.evaluation.ablation_report import to_markdown
from sounddesk.evaluation.ablation_report import verdict

BY_NAME = {row.name: row for row in ROWS}


def figures(acc: float, **changes: object) -> dict[str, object]:
    return {"acc": acc, "fad": 3.0, "kl": 1.0, "is": 2.0, "avc": None, "terms": None, **changes}


@pytest.mark.parametrize(
    ("name", "paper"),
    [
        ("full", (0.859, 1.271, 0.517, 2.102, 0.891)),
        ("frozen", (0.692, 1.543, 1.047, 1.943, 0.733)),
        ("multi_head", (0.415, 2.238, 1.903, 2.115, 0.887)),
        ("additive", (0.103, 15.747, 7.425, 1.343, 0.137)),
        ("attention_at_test", (0.856, 1.270, 0.520, 2.097, 0.890)),
        ("audio_query", (0.634, 1.761, 1.232, 1.731, 0.692)),
        ("mask_training", (0.763, 1.446, 0.742, 1.947, 0.797)),
        ("no_position", (0.787, 1.493, 0.674, 1.913, 0.779)),
        ("guidance_1.0", (0.413, 2.021, 0.914, 1.336, 0.674)),
        ("guidance_3.0", (0.796, 1.482, 0.576, 2.023, 0.841)),
        ("threshold_0.4", (0.521, 1.874, 0.888, 1.432, 0.696)),
        ("threshold_0.6", (0.859, 1.271, 0.517, 2.102, 0.891)),
        ("threshold_0.8", (0.812, 1.501, 0.664, 2.005, 0.879)),
    ],
)
def test_the_papers_figures(name: str, paper: tuple[float, ...]) -> None:
    assert BY_NAME[name].paper == paper


def test_a_verdict_needs_an_interval_without_zero() -> None:
    row = BY_NAME["frozen"]  # worse in the paper
    assert verdict("acc", row, [0.30, 0.31, 0.29], [0.50, 0.51, 0.49]) == "agrees"
    assert verdict("acc", row, [0.70, 0.71, 0.69], [0.50, 0.51, 0.49]) == "disagrees"
    assert verdict("acc", row, [0.30, 0.60, 0.45], [0.50, 0.40, 0.49]) == "undecided"
    # Two standard errors would decide this; with three seeds Student's interval is over twice as wide.
    assert verdict("acc", row, [0.30, 0.36, 0.24], [0.40, 0.40, 0.40]) == "undecided"
    assert verdict("acc", row, [0.30], [0.50]) == "undecided"  # one seed tells nothing of the spread
    assert verdict("fad", row, [4.0, 4.1, 4.2], [3.0, 3.1, 3.2]) == "agrees"  # lower is better, and it was higher


def test_the_interval_of_a_difference_is_students_over_paired_seeds() -> None:
    mean, low, high = difference([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    assert mean == 2.0
    assert (low, high) == (pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-3), pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-3))
    assert difference([1.0], [0.0])[1:] == (-math.inf, math.inf)


def test_rows_of_one_training_come_together() -> None:
    order = [row.variant for row in by_variant(ROWS)]
    assert len(order) == len(ROWS) and order[:6] == ["full"] * 6
    assert all(order.index(each) + order.count(each) > place for place, each in enumerate(order))


def test_the_report_counts_and_shows_what_is_missing() -> None:
    terms = {"mask_error": 0.1, "contrastive": 0.5, "attention_error": 0.8, "attention_to_mask": 0.7}
    results = {
        "full": [figures(0.5, terms=terms), figures(0.52, terms=terms), figures(0.51, terms=terms)],
        "frozen": [figures(0.3), figures(0.31), figures(0.29)],
    }
    data = report(results)
    rows = {row["name"]: row for row in data["rows"]}
    assert rows["full"]["ours"]["acc"] == pytest.approx(0.51)
    assert rows["frozen"]["verdict"] == {"acc": "agrees", "fad": "undecided", "kl": "undecided", "is": "undecided"}
    assert rows["additive"]["seeds"] == 0
    assert len(rows) == len(ROWS)
    text = to_markdown(data)
    assert "| (i) frozen diffusion | 0.300 ± 0.006 (0.692) |" in text
    assert "-0.210 (-0.235 to -0.185)" in text
    assert rows["frozen"]["difference"]["acc"] == pytest.approx([-0.21, -0.2348, -0.1852], abs=1e-3)
    assert "not run" in text
    assert "| full model | 0.100 | 0.500 | 0.800 | 1.000 | 0.700 |" in text
    assert all(metric.upper() in text for metric in METRICS)
