"""Recorded tasks as a table: by task and method, what was broken off counted apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.recorded_task import RecordedTask
from sounddesk.evaluation.study.task_report import Average
from sounddesk.evaluation.study.task_report import report_tasks
from sounddesk.storage.task_log import append_task
from sounddesk.storage.task_log import read_tasks


def task(seconds: float, **changes) -> RecordedTask:
    known = {"task": "bark", "participant": "p1", "attempts": 2, "gestures": 10, "satisfaction": 4, "succeeded": True}
    return RecordedTask(seconds=seconds, **{**known, **changes})


def test_means_and_intervals_of_each_method(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "tasks.jsonl"
    for each in (
        task(60),
        task(180, participant="p2", attempts=4, satisfaction=2, succeeded=False),
        task(30, satisfaction=None),
        task(300, method="text", satisfaction=1),
    ):
        append_task(log, each)
    made = report_tasks([log, log])
    ours, text = made.rows
    assert (ours.method, ours.tasks, ours.participants, ours.broken_off, ours.succeeded) == ("sounddesk", 2, 2, 1, 1)
    assert (ours.minutes.mean, ours.attempts.mean, ours.satisfaction.mean) == (2.0, 3.0, 3.0)
    assert ours.minutes.margin == pytest.approx(12.706, abs=1e-3)
    assert (text.minutes.mean, text.minutes.margin) == (5.0, None)
    assert "bark, text: 5.00 min" in "\n".join(made.details())
    assert made.to_json()["rows"][0]["attempts"] == {"mean": 3.0, "margin_95": pytest.approx(12.706, abs=1e-3)}


def test_the_interval_goes_by_participants_and_not_by_tasks() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 8)
    alone = Average.of(values.tolist(), [f"p{number}" for number in range(8)])
    assert alone.margin == pytest.approx(stats.t.interval(0.95, 7, 0, stats.sem(values))[1])
    again = Average.of(np.repeat(values, 5).tolist(), [f"p{number}" for number in range(8) for _ in range(5)])
    assert (again.mean, again.margin) == (pytest.approx(alone.mean), pytest.approx(alone.margin)), "five times the same"
    assert Average.of(values.tolist(), ["p1"] * 8).margin is None


def test_a_line_that_a_crash_cut_off_is_named_and_loses_no_other(tmp_path: Path) -> None:
    log = tmp_path / "tasks.jsonl"
    append_task(log, task(60))
    log.write_text(log.read_text() + '{"task": "ba')
    append_task(log, task(90))
    with pytest.raises(BadInputError, match="line 2: not JSON"):
        read_tasks(log)
    log.write_text("\n".join(line for line in log.read_text().splitlines() if not line.endswith('"ba')))
    assert [each.seconds for each in read_tasks(log)] == [60, 90]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"task": "a", "seconds": 1, "attempts": 1, "satisfaction": 6}', "satisfaction is 6"),
        ('{"task": "", "seconds": 1, "attempts": 1}', "task is"),
        ('{"task": "a", "seconds": -1, "attempts": 1}', "seconds is -1"),
        ("", "holds no task"),
    ],
)
def test_logs_that_cannot_be(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(text)
    with pytest.raises(BadInputError, match=message):
        report_tasks([tmp_path / "log"])
    with pytest.raises(BadInputError, match="record a task in the window"):
        report_tasks([tmp_path / "none"])
