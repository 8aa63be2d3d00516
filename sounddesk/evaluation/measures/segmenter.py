"""`sounddesk evaluate segmenter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import scenes_option


def measure(pictures: Path, **options: Any) -> MeasureReport:
    """See `segmenter_accuracy`."""
    from sounddesk.evaluation import segmenter_accuracy

    result = segmenter_accuracy.run(pictures, **options)
    return MeasureReport(line=result.line(), document=result.to_json())


MEASURES.register(
    MeasureEntry(
        name="segmenter",
        summary="how well do clicks and boxes select objects in crowded scenes, and how well would GrabCut",
        measure=measure,
        known_kinds_only=False,
        options=(scenes_option(40),),
    )
)
