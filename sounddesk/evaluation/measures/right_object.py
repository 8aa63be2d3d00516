"""`sounddesk evaluate right-object`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.domain.grounding_mode import GROUNDING_MODES
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import scenes_option
from sounddesk.evaluation.measures.registry import take_options


def measure(pictures: Path, *, confusion: bool, **options: Any) -> MeasureReport:
    """See `right_object`; `confusion` lists the kinds that were taken for others."""
    from sounddesk.evaluation import right_object

    result = right_object.run(pictures, **options)
    details = [row.text() for row in result.confusion_of_all] if confusion else []
    return MeasureReport(line=result.line(), document=result.to_json(), details=details)


MEASURES.register(
    MeasureEntry(
        name="right-object",
        summary="does each object's take sound like that object, in scenes of 2 to 4",
        measure=measure,
        options=(
            scenes_option(50),
            *take_options(10.0),
            MeasureOption(
                flag="--grounding",
                help="what takes follow: their objects, or a captioner's words for the image or for each object",
                choices=GROUNDING_MODES,
                default="object",
            ),
            MeasureOption(flag="--confusion", help="also say which kinds are taken for which", kind="flag"),
        ),
    )
)
