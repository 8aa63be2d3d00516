"""What `sounds` found out: a cell for each system and metric, tests against the first system, and both as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

from sounddesk.evaluation.sound_metrics.registry import SoundMetric

FIGURES_FILE: Final = "figures.json"
PAGE_FILE: Final = "index.html"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure of one system, or why there is none.

    Attributes:
        value: None where there is none.
        low, high: of the 95 % interval by clips drawn with repetition; equal to the value where nothing can be drawn.
        clips: how many it stands on.
        missing: why there is no value, or '/' where it would say nothing, as in the paper's tables.
        note: what it is instead, for a cell that is not what its column says.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    clips: int = 0
    missing: str = ""
    note: str = ""

    def text(self, digits: int) -> str:
        """As it stands in the table."""
        return (self.missing and "–") or "/" if self.value is None else f"{self.value:.{digits}f}"

    def interval_text(self, digits: int) -> str:
        if self.low is None or self.high is None:
            return ""
        return f"{self.low:.{digits}f} to {self.high:.{digits}f}"

    def to_json(self) -> dict[str, Any]:
        interval = None if self.low is None else [self.low, self.high]
        told = {"value": self.value, "interval_95": interval, "clips": self.clips}
        return told | {key: text for key, text in (("missing", self.missing), ("note", self.note)) if text}


@dataclass(frozen=True, kw_only=True)
class ListenerRatings:
    """What listeners of a study said of the systems, from 1 to 5.

    Attributes:
        questions: asked, by the name of the criterion.
        cells: by system and criterion; intervals are over listeners, and `clips` counts ratings.
        notes: who is counted.
    """

    questions: Mapping[str, str]
    cells: Mapping[str, Mapping[str, Cell]]
    notes: tuple[str, ...] = ()

    def details(self) -> list[str]:
        told = []
        for name in self.questions:
            cells = {system: row[name] for system, row in self.cells.items() if name in row}
            figures = [f"{system} {cell.text(2)} ({cell.interval_text(2)})" for system, cell in cells.items()]
            told += [f"{name} (listeners, higher is better): {', '.join(figures)}"] if figures else []
        return [*told, *(f"Listeners: {note}" for note in self.notes)]

    def to_json(self) -> dict[str, Any]:
        systems = {system: {name: cell.to_json() for name, cell in row.items()} for system, row in self.cells.items()}
        return {"questions": dict(self.questions), "systems": systems, "notes": list(self.notes)}


@dataclass(frozen=True, kw_only=True)
class SystemTest:
    """The first system against another by one metric, on the clips that both have.

    Attributes:
        difference: first minus other.
        p: two-sided, after Holm's correction over the systems that the first is compared with by this metric.
        test: 'paired t-test', or 'bootstrap' for a figure of a whole set.
    """

    metric: str
    first: str
    other: str
    clips: int
    difference: float
    low: float
    high: float
    p: float
    test: str

    def verdict(self, *, better: str) -> str:
        """Which one is better, where that is decided at 0.05."""
        if self.p >= 0.05 or self.difference == 0:
            return "not decided"
        return self.first if (self.difference > 0) == (better == "higher") else self.other

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "first": self.first,
            "other": self.other,
            "clips": self.clips,
            "difference": self.difference,
            "interval_95": [self.low, self.high],
            "p_holm": self.p,
            "test": self.test,
        }


@dataclass(frozen=True, kw_only=True)
class ExampleSound:
    """A sound to listen to; files are relative to the report."""

    system: str
    file: str
    spectrogram: str


@dataclass(frozen=True, kw_only=True)
class Example:
    """A clip with the sounds of all systems; `picture` is relative to the report, '' without one."""

    clip: str
    told: str
    picture: str
    sounds: tuple[ExampleSound, ...]


@dataclass(frozen=True, kw_only=True)
class SoundsResult:
    """The whole report.

    Attributes:
        metrics: columns, the paper's first.
        cells: by system and metric; systems in the order of the table.
        not_measured: of each metric without any figure, why, and what to do.
        notes: of each system, what was found in its folder that a reader has to know.
        clips: how many the manifest has.
        listeners: of a study, where one was given.
    """

    metrics: tuple[SoundMetric, ...]
    cells: Mapping[str, Mapping[str, Cell]]
    tests: tuple[SystemTest, ...]
    not_measured: Mapping[str, str]
    notes: Mapping[str, Sequence[str]]
    examples: tuple[Example, ...]
    clips: int
    page: str
    listeners: ListenerRatings | None = None

    def line(self) -> str:
        measured = [metric for metric in self.metrics if metric.name not in self.not_measured]
        return f"{len(self.cells)} rows by {len(measured)} metrics on {self.clips} clips: {self.page}"

    def details(self) -> list[str]:
        told = []
        for metric in self.metrics:
            if metric.name in self.not_measured:
                told.append(f"{metric.title}: not measured: {self.not_measured[metric.name]}")
                continue
            figures = []
            for system, of_system in self.cells.items():
                cell = of_system[metric.name]
                if cell.value is not None:
                    figures.append(f"{system} {cell.text(metric.digits)} ({cell.interval_text(metric.digits)})")
            told.append(f"{metric.title} ({metric.origin}, {metric.better} is better): {', '.join(figures)}")
        told += self.listeners.details() if self.listeners is not None else []
        told += [f"{system}: {note}" for system, notes in self.notes.items() for note in notes]
        return told

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "sounds",
            "page": self.page,
            "clips": self.clips,
            "metrics": {
                metric.name: {
                    "title": metric.title,
                    "summary": metric.summary,
                    "origin": metric.origin,
                    "better": metric.better,
                    "network": metric.network,
                    **(
                        {"not_measured": self.not_measured[metric.name]}
                        if metric.name in self.not_measured
                        else {"systems": {name: row[metric.name].to_json() for name, row in self.cells.items()}}
                    ),
                }
                for metric in self.metrics
            },
            "tests": [each.to_json() for each in self.tests],
            **({"listeners": self.listeners.to_json()} if self.listeners is not None else {}),
            "notes": {system: list(notes) for system, notes in self.notes.items()},
        }
