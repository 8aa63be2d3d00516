"""The measurement of realism as one HTML page: the table, then every kind with its spectrograms, the worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sounddesk.domain.naming import unique_file_stems
from sounddesk.evaluation.realism.realism_result import FIGURES_FILE
from sounddesk.evaluation.realism.realism_result import RealismResult
from sounddesk.storage.html_page import render_template

_TEMPLATE: Final = Path(__file__).with_suffix(".html")


def realism_page(result: RealismResult) -> str:
    """The page as HTML. Holds no times, so that the same result gives the same page."""
    names = [kind.kind for kind in result.kinds]
    return render_template(
        _TEMPLATE,
        title=f"Realism of {result.bundle}",
        result=result,
        anchors={name: f"kind-{stem}" for name, stem in zip(names, unique_file_stems(names), strict=True)},
        stages=list(dict.fromkeys(stage for kind in result.kinds for stage in kind.distances)),
        figures_file=FIGURES_FILE,
    )
