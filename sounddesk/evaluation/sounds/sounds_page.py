"""The report of `sounddesk evaluate sounds` as one HTML page, its tables in the shape of the paper's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sounddesk.evaluation.sounds.sounds_result import FIGURES_FILE
from sounddesk.evaluation.sounds.sounds_result import SoundsResult
from sounddesk.evaluation.sounds.system_sounds import GROUND_TRUTH
from sounddesk.evaluation.sounds.system_sounds import NOISE
from sounddesk.storage.html_page import render_template

_TEMPLATE: Final = Path(__file__).with_suffix(".html")


def sounds_page(result: SoundsResult) -> str:
    """The page as HTML. Holds no times, so that the same result gives the same page."""
    return render_template(
        _TEMPLATE,
        title="Systems side by side",
        result=result,
        tables=[(origin, [each for each in result.metrics if each.origin == origin]) for origin in ("paper", "ours")],
        best={metric.name: _best(result, metric.name, better=metric.better) for metric in result.metrics},
        by_name={metric.name: metric for metric in result.metrics},
        controls=(GROUND_TRUTH, NOISE),
        figures_file=FIGURES_FILE,
    )


def _best(result: SoundsResult, metric: str, *, better: str) -> str:
    """The system with the best figure; the controls do not compete."""
    values = {
        name: row[metric].value
        for name, row in result.cells.items()
        if name not in (GROUND_TRUTH, NOISE) and metric in row and row[metric].value is not None
    }
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return ""
    choose = max if better == "higher" else min
    return choose(known, key=lambda name: known[name])
