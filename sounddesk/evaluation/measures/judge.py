"""`sounddesk evaluate judge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `judge.judge_learning`."""
    from sounddesk.evaluation.judge import judge_learning

    result = judge_learning.run(**options)
    return MeasureReport(line=result.line(), document=result.to_json())


MEASURES.register(
    MeasureEntry(
        name="judge",
        summary="learns the judge of right objects from recordings that a bundle never heard, and tells its ceiling",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            MeasureOption(
                flag="--out", help="where the judge is written", kind="path", metavar="FOLDER", required=True
            ),
            MeasureOption(
                flag="--reference",
                help="a set that 'sounddesk train prepare starter' built",
                kind="path",
                metavar="FOLDER",
                default=Path("starter-data"),
            ),
            MeasureOption(
                flag="--work",
                help="keeps what was embedded, so that a stopped run goes on",
                kind="path",
                metavar="FOLDER",
                default_text="OUT-work",
            ),
        ),
    )
)
