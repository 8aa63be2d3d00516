"""`sounddesk evaluate names`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import photograph_options


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `name_accuracy`."""
    from sounddesk.evaluation import name_accuracy

    return MeasureReport.with_details(name_accuracy.run(**options))


MEASURES.register(
    MeasureEntry(
        name="names",
        summary="how often are outlined objects in photographs named rightly, and unknown ones refused",
        measure=measure,
        takes_pictures=False,
        options=(
            *photograph_options(),
            MeasureOption(
                flag="--masks",
                help="the outlines, or what one click selects",
                choices=("outline", "click"),
                default="outline",
            ),
        ),
    )
)
