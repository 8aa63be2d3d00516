"""`sounddesk evaluate starter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `starter_figures.starter_figures`."""
    from sounddesk.evaluation.starter_figures import starter_figures

    result = starter_figures.run(**options)
    return MeasureReport(line=result.line(), document=result.to_json(), details=result.details())


MEASURES.register(
    MeasureEntry(
        name="starter",
        summary="makes every figure of the starter that card, README and manual tell, and writes them there",
        measure=measure,
        takes_pictures=False,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            MeasureOption(
                flag="--checkout",
                help="the source tree",
                kind="path",
                metavar="FOLDER",
                default=Path(),
                default_text="this folder",
            ),
            MeasureOption(
                flag="--reference",
                help="the set that 'sounddesk train prepare starter' built",
                kind="path",
                metavar="FOLDER",
                default=Path("starter-data"),
            ),
            MeasureOption(
                flag="--pictures",
                help="holds KIND/*.png cut-outs with alpha",
                kind="path",
                metavar="FOLDER",
                default_text="the set's test pictures",
            ),
            MeasureOption(
                flag="--work",
                help="keeps the sounds, so that a stopped run goes on",
                kind="path",
                metavar="FOLDER",
                default_text="starter-figures",
            ),
            MeasureOption(
                flag="--rows",
                help="only these: right-object, grounding, masks, realism, variety, time, determinism; 'none' only "
                "drops what was measured on other weights",
                kind="names",
                metavar="NAME,...",
                default=(),
                default_text="all that are missing",
            ),
            MeasureOption(flag="--quick", help="fewer cases; the figures say how many", kind="flag"),
            MeasureOption(flag="--again", help="also what is measured already", kind="flag"),
        ),
    )
)
