"""`sounddesk study tasks`: what recorded tasks took and how satisfied people were (paper, table 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.recorded_task import RecordedTask
from sounddesk.storage.task_log import own_task_log
from sounddesk.storage.task_log import read_tasks


@dataclass(frozen=True, kw_only=True)
class Average:
    """A mean over tasks; `margin` to each side is the 95 % interval, None for a single participant.

    Tasks of one participant are alike, so that the interval goes by participants: the variance is that of the sums of
    their deviations (cluster-robust, Liang and Zeger 1986), with Student's quantile for one participant less.
    """

    mean: float
    margin: float | None

    @classmethod
    def of(cls, values: Sequence[float], participants: Sequence[str]) -> Average:
        """Of one value or more, each with the participant whose task it is of.

        Example:
            >>> Average.of([1.0, 3.0], ["p1", "p2"]).text(1)
            '2.0 ± 12.7'
            >>> Average.of([1.0, 3.0], ["p1", "p1"]).text(1)
            '2.0'
        """
        mean = float(np.mean(values))
        sums = dict.fromkeys(participants, 0.0)
        for value, participant in zip(values, participants, strict=True):
            sums[participant] += value - mean
        count = len(sums)
        if count < 2:
            return cls(mean=mean, margin=None)
        error = (count / (count - 1) * sum(each**2 for each in sums.values())) ** 0.5 / len(values)
        return cls(mean=mean, margin=error * float(stats.t.ppf(0.975, count - 1)))

    def text(self, digits: int) -> str:
        return f"{self.mean:.{digits}f}" + ("" if self.margin is None else f" ± {self.margin:.{digits}f}")

    def to_json(self) -> dict[str, float | None]:
        return {"mean": self.mean, "margin_95": self.margin}


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """All rated tasks of one text by one method.

    Attributes:
        broken_off: how many were left in the middle; they count nowhere else.
    """

    task: str
    method: str
    tasks: int
    participants: int
    broken_off: int
    minutes: Average | None
    attempts: Average | None
    gestures: Average | None
    satisfaction: Average | None
    succeeded: int

    def line(self) -> str:
        broken = f"; {self.broken_off} broken off" if self.broken_off else ""
        if self.minutes is None or self.attempts is None or self.gestures is None or self.satisfaction is None:
            return f"{self.task}, {self.method}: no rated task{broken}"
        return (
            f"{self.task}, {self.method}: {self.minutes.text(2)} min, {self.attempts.text(2)} attempts, "
            f"{self.gestures.text(0)} presses, satisfaction {self.satisfaction.text(2)}, {self.succeeded} of "
            f"{self.tasks} done, by {self.participants} participants{broken}"
        )

    def to_json(self) -> dict[str, Any]:
        averages = {name: getattr(self, name) for name in ("minutes", "attempts", "gestures", "satisfaction")}
        return vars(self) | {name: None if each is None else each.to_json() for name, each in averages.items()}


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """A row for each task and method."""

    rows: tuple[TaskRow, ...]
    logs: tuple[Path, ...]

    def line(self) -> str:
        return f"{sum(row.tasks for row in self.rows)} rated tasks out of {', '.join(map(str, self.logs))}"

    def details(self) -> list[str]:
        return [row.line() for row in self.rows]

    def to_json(self) -> dict[str, Any]:
        return {"logs": [str(log) for log in self.logs], "rows": [row.to_json() for row in self.rows]}


def report_tasks(logs: Sequence[Path] = ()) -> TaskReport:
    """Read logs, this user's own by default; a line that stands in several counts once.

    Raises:
        BadInputError: a log cannot be read, or none holds a task.
    """
    chosen = tuple(logs) or (own_task_log(),)
    tasks = list(dict.fromkeys(task for log in chosen for task in read_tasks(log)))
    if not tasks:
        raise BadInputError(
            f"{', '.join(map(str, chosen))} holds no task: record one in the window (Help, Record a task)"
        )
    keys = sorted({(each.task, each.method) for each in tasks})
    return TaskReport(
        rows=tuple(
            _row(task, method, [e for e in tasks if (e.task, e.method) == (task, method)]) for task, method in keys
        ),
        logs=chosen,
    )


def _row(task: str, method: str, found: Sequence[RecordedTask]) -> TaskRow:
    rated = [each for each in found if each.satisfaction is not None]

    def average(values: Sequence[float]) -> Average | None:
        return Average.of(values, [each.participant for each in rated]) if values else None

    return TaskRow(
        task=task,
        method=method,
        tasks=len(rated),
        participants=len({each.participant for each in rated}),
        broken_off=len(found) - len(rated),
        minutes=average([each.seconds / 60 for each in rated]),
        attempts=average([each.attempts for each in rated]),
        gestures=average([each.gestures for each in rated]),
        satisfaction=average([each.satisfaction for each in rated if each.satisfaction is not None]),
        succeeded=sum(each.succeeded for each in rated),
    )
