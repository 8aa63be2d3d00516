"""`sounddesk evaluate text-grounding`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport


def measure(pictures: Path, **options: Any) -> MeasureReport:
    """See `text_grounding`."""
    from sounddesk.evaluation import text_grounding

    return MeasureReport.with_details(text_grounding.run(pictures, **options))


MEASURES.register(
    MeasureEntry(
        name="text-grounding",
        summary="how far a grounding fitted on words alone knows things that it never saw",
        measure=measure,
    )
)
