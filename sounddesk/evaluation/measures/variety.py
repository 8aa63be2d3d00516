"""`sounddesk evaluate variety`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import prepared_set_option
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import seconds_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `variety.variety`."""
    from sounddesk.evaluation.variety import variety

    return MeasureReport.of(variety.run(**options))


MEASURES.register(
    MeasureEntry(
        name="variety",
        summary="how different are takes of one kind, and how many are copies of training recordings",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            folder_option("--out", "keeps the sounds; an earlier run there goes on", required=True),
            prepared_set_option(),
            MeasureOption(
                flag="--takes",
                help="of each kind",
                kind="whole number",
                default=4,
                check=in_range("takes", 2, 100),
            ),
            MeasureOption(
                flag="--kinds",
                help="at most so many",
                kind="whole number",
                default_text="all",
                check=in_range("kinds", 2),
            ),
            seed_option("which takes"),
            preset_option(),
            seconds_option(5.0),
        ),
    )
)
