"""`sounddesk evaluate pictures`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport


def measure(_: None, /, *, out: Path, **options: Any) -> MeasureReport:
    """See `split_pictures.write_pictures`."""
    from sounddesk.evaluation.split_pictures import write_pictures

    result = write_pictures(out, **options)
    return MeasureReport(line=result.line(), document=result.to_json())


MEASURES.register(
    MeasureEntry(
        name="pictures",
        summary="writes a data set's test pictures as a folder for '--pictures'",
        measure=measure,
        takes_pictures=False,
        options=(
            MeasureOption(flag="--out", help="where to", kind="path", metavar="FOLDER", required=True),
            MeasureOption(
                flag="--reference",
                help="a set that 'sounddesk train prepare starter' built",
                kind="path",
                metavar="FOLDER",
                default=Path("starter-data"),
            ),
            MeasureOption(
                flag="--split",
                help="which part of it",
                choices=("train", "validation", "test"),
                default="test",
            ),
        ),
    )
)
