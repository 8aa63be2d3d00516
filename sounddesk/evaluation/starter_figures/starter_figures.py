"""Makes every figure of the starter that the documents tell. `sounddesk evaluate starter`.

Figures lie in one file with the hash of the weights and the day. What was measured on these weights already stays, so a
stopped run goes on; what was measured on others is dropped, and the documents say 'not measured' in its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.evaluation.recordings.bundle_weights import weights_sha256
from sounddesk.evaluation.split_pictures import write_pictures
from sounddesk.evaluation.starter_figures.figure_documents import CARD
from sounddesk.evaluation.starter_figures.figure_documents import update_documents
from sounddesk.evaluation.starter_figures.figure_measures import MEASURES_OF_STARTER
from sounddesk.evaluation.starter_figures.figure_measures import FigureMeasure
from sounddesk.evaluation.starter_figures.figure_measures import MeasuringPlace
from sounddesk.evaluation.starter_figures.figure_measures import figure_measure
from sounddesk.evaluation.starter_figures.figure_measures import weights_of_figure
from sounddesk.evaluation.starter_figures.figures_file import FIGURES_RESOURCE
from sounddesk.evaluation.starter_figures.figures_file import Figure
from sounddesk.evaluation.starter_figures.figures_file import StarterFigures

_NEED_NO_DATA = ("time", "determinism")


@dataclass(frozen=True, kw_only=True)
class StarterFiguresResult:
    """The figures as they are now, which of them are new, and which files changed."""

    figures: StarterFigures
    file: Path
    measured: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[Path, ...]

    def line(self) -> str:
        missing = f"; not measured on it: {', '.join(self.missing)}" if self.missing else ""
        return (
            f"{len(self.figures.figures)} figures of the starter {self.figures.weights}, measured now: "
            f"{', '.join(self.measured) or 'none'}{missing}; in {self.file}"
        )

    def details(self) -> list[str]:
        return [f"{each.what}: {each.measured}" for each in self.figures.figures.values()]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "starter",
            "weights": self.figures.weights,
            "file": str(self.file),
            "measured": list(self.measured),
            "missing": list(self.missing),
            "changed": [str(path) for path in self.changed],
            "figures": {name: each.measured for name, each in self.figures.figures.items()},
        }


def run(
    *,
    checkout: Path,
    reference: Path,
    work: Path | None = None,
    pictures: Path | None = None,
    rows: Sequence[str] = (),
    quick: bool = False,
    again: bool = False,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> StarterFiguresResult:
    """Measure what was not measured on the starter of a source tree: the file is written after each, documents last.

    Args:
        checkout: folder of the source tree; its `resources/starter` is measured.
        reference: the starter's data set.
        work: keeps sounds between runs; 'starter-figures' by default.
        pictures: KIND/*.png; the set's test pictures by default, written into `work`.
        rows: only these measures, by name; 'none' measures nothing and only drops what is of other weights.
        quick: fewer cases; each figure says how many.
        again: also what was measured on these weights already.

    Raises:
        BadInputError: no source tree, no data set, or no such measure.
        EngineError, OutputError: the bundle cannot be used, a file cannot be written.
        Cancelled: through `cancel`; figures measured before are written.
    """
    if not (checkout / CARD).is_file():
        raise BadInputError(f"{checkout} holds no {CARD}: name the folder of a source tree")
    chosen = _chosen(rows)
    bundle = Bundle.open(checkout / "resources" / "starter")
    weights = weights_sha256(bundle)
    file = checkout / "resources" / FIGURES_RESOURCE
    figures = StarterFigures.load(file).of_bundle(weights, lambda name: weights_of_figure(bundle, name))
    keep = work or Path("starter-figures")
    measured = []
    figures.save(file)
    for entry in chosen:
        if not again and any(name.partition("/")[0] == entry.name for name in figures.figures):
            continue
        if pictures is None and entry.name not in _NEED_NO_DATA:
            pictures = keep / "pictures"
            write_pictures(pictures, reference=reference, progress=progress, cancel=cancel)
        place = MeasuringPlace(
            bundle=bundle.folder,
            data=reference,
            pictures=pictures or keep,
            work=keep,
            quick=quick,
            progress=progress,
            cancel=cancel,
        )
        figures = figures.with_figures(_figures_of(entry, place, weights_of_figure(bundle, entry.name)))
        # After each, so that a stopped run keeps what it has.
        figures.save(file)
        measured.append(entry.name)
    changed = update_documents(checkout, figures)
    known = {name.partition("/")[0] for name in figures.figures}
    return StarterFiguresResult(
        figures=figures,
        file=file,
        measured=tuple(measured),
        missing=tuple(each.name for each in MEASURES_OF_STARTER if each.name not in known),
        changed=tuple(changed),
    )


def _chosen(rows: Sequence[str]) -> list[FigureMeasure]:
    if list(rows) == ["none"]:
        return []
    return [figure_measure(name) for name in rows] if rows else list(MEASURES_OF_STARTER)


def _figures_of(entry: FigureMeasure, place: MeasuringPlace, weights: str) -> list[Figure]:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return [
        Figure(
            name=f"{entry.name}/{each.part}" if each.part else entry.name,
            what=each.what,
            floor=each.floor,
            measured=each.measured,
            command=entry.command_text(quick=place.quick),
            weights=weights,
            date=today,
        )
        for each in entry.measure(place)
    ]
