"""`sounddesk evaluate starter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import prepared_set_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `starter_figures.starter_figures`."""
    from sounddesk.evaluation.starter_figures import starter_figures

    return MeasureReport.with_details(starter_figures.run(**options))


MEASURES.register(
    MeasureEntry(
        name="starter",
        summary="makes every figure of the starter that card, README and manual tell, and writes them there",
        measure=measure,
        takes_pictures=False,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            folder_option("--checkout", "the source tree", default=Path(), default_text="this folder"),
            prepared_set_option("the set that 'sounddesk train prepare starter' built"),
            folder_option("--pictures", "holds KIND/*.png cut-outs with alpha", default_text="the set's test pictures"),
            folder_option("--work", "keeps the sounds, so that a stopped run goes on", default_text="starter-figures"),
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
