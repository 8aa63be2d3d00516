"""What `realism` found out: figures of each stage and band, the sounds of each kind, and both as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

from sounddesk.evaluation.recordings.excerpts import Band
from sounddesk.evaluation.rendered_figures import RenderedFigures

FIGURES_FILE: Final = "realism.json"
PAGE_FILE: Final = "index.html"

Stage = Literal["vocoder copy", "codec copy", "take by words", "take through a picture"]
Ceiling = Literal["other recordings", "half against half"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int) -> str:
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "interval_95": [self.low, self.high]}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One row of the table: a set of sounds against the real recordings that each was matched to.

    Attributes:
        row: which stage, or which ceiling.
        recordings, kinds: how many on each side.
        distance: Frechet distance over `axes` principal axes.
        auc: of the two-sample test.
    """

    row: str
    band: Band
    recordings: int
    kinds: int
    axes: int
    distance: Interval
    auc: Interval
    is_ceiling: bool = False

    def line(self) -> str:
        return (
            f"{self.row}, {'full band' if self.band == 'full' else 'band to 8 kHz'}: Frechet distance "
            f"{self.distance.text(1)}, AUC {self.auc.text(3)}; {self.recordings} recordings of {self.kinds} kinds"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "band": self.band,
            "is_ceiling": self.is_ceiling,
            "recordings": self.recordings,
            "kinds": self.kinds,
            "axes": self.axes,
            "frechet_distance": self.distance.to_json(),
            "auc": self.auc.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class HeardSound:
    """A sound on the page: its files, relative to it, and how far it is from its recording."""

    label: str
    file: str
    spectrogram: str
    distance: float | None


@dataclass(frozen=True, kw_only=True)
class KindFigures:
    """One kind: mean distance of each stage's sounds to their recordings, and what is shown of it."""

    kind: str
    recordings: int
    distances: Mapping[str, float]
    shown: tuple[HeardSound, ...]

    @property
    def worst(self) -> float:
        """Of the last stage that there is, which is what a user hears."""
        return list(self.distances.values())[-1] if self.distances else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class RealismResult(RenderedFigures):
    """Figures of one evaluation.

    Attributes:
        split: of the reference's table; '' where it has none.
        heard: what the bundle heard of the reference in training, as a sentence.
        silent: how many sounds of each stage are as good as silent.
        not_measured: rows that there are not, with the reason.
        kinds: the worst first.
    """

    folder: Path
    reference: str
    split: str
    heard: str
    comparisons: tuple[Comparison, ...]
    silent: Mapping[str, int]
    not_measured: Mapping[str, str]
    kinds: tuple[KindFigures, ...]

    @property
    def page(self) -> Path:
        return self.folder / PAGE_FILE

    def line(self) -> str:
        """The result in one line."""
        rows = sum(not each.is_ceiling for each in self.comparisons)
        return f"realism: {rows} rows, {self.heard}, {self.settings_text()}; look at {self.page}"

    def details(self) -> list[str]:
        """A line for each row, and one for each that is missing."""
        lines = [each.line() for each in self.comparisons]
        return lines + [f"{row}: not measured: {reason}" for row, reason in self.not_measured.items()]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "realism",
            **self.settings_json(),
            "reference": self.reference,
            "split": self.split,
            "heard": self.heard,
            "comparisons": [each.to_json() for each in self.comparisons],
            "silent": dict(self.silent),
            "not_measured": dict(self.not_measured),
            "kinds": [
                {"kind": each.kind, "recordings": each.recordings, "distances": dict(each.distances)}
                for each in self.kinds
            ],
        }
