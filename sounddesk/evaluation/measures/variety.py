"""`sounddesk evaluate variety`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import seconds_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `variety.variety`."""
    from sounddesk.evaluation.variety import variety

    result = variety.run(**options)
    return MeasureReport(line=result.line(), document=result.to_json())


MEASURES.register(
    MeasureEntry(
        name="variety",
        summary="how different are takes of one kind, and how many are copies of training recordings",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            MeasureOption(
                flag="--out",
                help="keeps the sounds; an earlier run there goes on",
                kind="path",
                metavar="FOLDER",
                required=True,
            ),
            MeasureOption(
                flag="--reference",
                help="a set that 'sounddesk train prepare starter' built",
                kind="path",
                metavar="FOLDER",
                default=Path("starter-data"),
            ),
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
            MeasureOption(flag="--seed", help="which takes", kind="whole number", default=0, check=in_range("seed", 0)),
            preset_option(),
            seconds_option(5.0),
        ),
    )
)
