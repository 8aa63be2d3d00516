"""`sounddesk evaluate judge`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import prepared_set_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `judge.judge_learning`."""
    from sounddesk.evaluation.judge import judge_learning

    return MeasureReport.of(judge_learning.run(**options))


MEASURES.register(
    MeasureEntry(
        name="judge",
        summary="learns the judge of right objects from recordings that a bundle never heard, and tells its ceiling",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            folder_option("--out", "where the judge is written", required=True),
            prepared_set_option(),
            folder_option("--work", "keeps what was embedded, so that a stopped run goes on", default_text="OUT-work"),
        ),
    )
)
