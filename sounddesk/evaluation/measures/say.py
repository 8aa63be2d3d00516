"""`sounddesk evaluate say`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import photograph_split_option
from sounddesk.evaluation.measures.registry import scenes_option


def measure(pictures: Path | None, **options: Any) -> MeasureReport:
    """See `said_accuracy`."""
    from sounddesk.evaluation import said_accuracy

    return MeasureReport.with_details(said_accuracy.run(pictures, **options))


MEASURES.register(
    MeasureEntry(
        name="say",
        summary="how well do words select outlined objects in photographs, or in scenes of cut-outs",
        measure=measure,
        instead_of_pictures="--photographs",
        options=(
            folder_option("--photographs", "holds photographs with labelme's or COCO's outlines beside them"),
            photograph_split_option(),
            scenes_option(40),
        ),
    )
)
