"""`sounddesk evaluate pictures`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import prepared_set_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `split_pictures.write_pictures`."""
    from sounddesk.evaluation.split_pictures import write_pictures

    return MeasureReport.of(write_pictures(**options))


MEASURES.register(
    MeasureEntry(
        name="pictures",
        summary="writes a data set's test pictures as a folder for '--pictures'",
        measure=measure,
        takes_pictures=False,
        options=(
            folder_option("--out", "where to", required=True),
            prepared_set_option(),
            MeasureOption(
                flag="--split",
                help="which part of it",
                choices=("train", "validation", "test"),
                default="test",
            ),
        ),
    )
)
