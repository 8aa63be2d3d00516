"""`sounddesk evaluate separator`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import prepared_set_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `separation.separator_learning`."""
    from sounddesk.evaluation.separation import separator_learning

    return MeasureReport.of(separator_learning.run(**options))


MEASURES.register(
    MeasureEntry(
        name="separator",
        summary="learns to take one object's sound out of a mixture, for the baseline 'retrieve-separate'",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled, nothing was written",
        options=(
            folder_option("--out", "where the separator is written", required=True),
            prepared_set_option(),
            MeasureOption(
                flag="--steps", help="of 8 mixtures", kind="whole number", default=3000, check=in_range("steps", 2)
            ),
            MeasureOption(
                flag="--mixtures",
                help="of held-out recordings that it is measured on",
                kind="whole number",
                default=200,
                check=in_range("mixtures", 1),
            ),
            seed_option("of weights and mixtures"),
        ),
    )
)
