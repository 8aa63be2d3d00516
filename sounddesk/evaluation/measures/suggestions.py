"""`sounddesk evaluate suggestions`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import photograph_options


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `suggestion_accuracy`."""
    from sounddesk.evaluation import suggestion_accuracy

    return MeasureReport.with_details(suggestion_accuracy.run(**options))


MEASURES.register(
    MeasureEntry(
        name="suggestions",
        summary="how many outlined objects are among the first suggestions of a photograph, and how soon one comes",
        measure=measure,
        takes_pictures=False,
        options=(
            *photograph_options(),
            MeasureOption(
                flag="--segmenter",
                help="which segmenter, by name",
                metavar="NAME",
                default="",
                default_text="the one that the window uses",
            ),
        ),
    )
)
