"""`sounddesk evaluate grounding`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import scenes_option


def measure(pictures: Path, **options: Any) -> MeasureReport:
    """See `grounding_accuracy`."""
    from sounddesk.evaluation import grounding_accuracy

    return MeasureReport.of(grounding_accuracy.run(pictures, **options))


MEASURES.register(
    MeasureEntry(
        name="grounding",
        summary="does the attention of a name fall on the named object, in scenes of 4",
        measure=measure,
        options=(scenes_option(200),),
    )
)
