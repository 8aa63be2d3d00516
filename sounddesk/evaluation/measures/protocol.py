"""`sounddesk evaluate protocol`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import seed_option
from sounddesk.evaluation.protocols.registry import PROTOCOLS


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `protocols.protocol`."""
    from sounddesk.evaluation.protocols import protocol

    return MeasureReport.with_details(protocol.run(**options))


def _check_hours(hours: float) -> None:
    if not 0 <= hours <= 10_000:
        raise ValueError(f"hours is {hours:g}: choose from 0 to 10000")


MEASURES.register(
    MeasureEntry(
        name="protocol",
        summary="makes the manifest of a published data set out of its list and your folder of media",
        measure=measure,
        takes_pictures=False,
        when_cancelled="cancelled, nothing was written",
        options=(
            MeasureOption(flag="--name", help="which one", metavar="NAME", choices=PROTOCOLS.names(), required=True),
            folder_option("--media", "holds pictures and sounds, called by id", required=True),
            folder_option("--out", "where the manifest is written", required=True),
            MeasureOption(flag="--table", help="the list as it was published", kind="path", metavar="FILE"),
            MeasureOption(
                flag="--only", help="only these clips, an id in each line", kind="path", metavar="FILE", default_text=""
            ),
            MeasureOption(flag="--split", help="only these, e.g. test", default="", default_text="all"),
            MeasureOption(
                flag="--hours",
                help="draw a test set of so many hours, equally many of each of the eight most frequent categories",
                kind="number",
                default=0.0,
                default_text="all clips",
                check=_check_hours,
            ),
            MeasureOption(
                flag="--examples",
                help="draw so many clips for listeners, half of them with an object to be outlined",
                kind="whole number",
                default=0,
                check=in_range("examples", 0, 10_000),
            ),
            seed_option("which clips are drawn"),
        ),
    )
)
