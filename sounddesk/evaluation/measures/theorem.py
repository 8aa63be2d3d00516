"""`sounddesk evaluate theorem`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import prepared_set_option
from sounddesk.evaluation.measures.registry import scenes_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `theorem_bound`."""
    from sounddesk.evaluation import theorem_bound

    return MeasureReport.with_details(theorem_bound.run(**options))


MEASURES.register(
    MeasureEntry(
        name="theorem",
        summary="the terms of the paper's equation 6, its bound and the test error, at the bundle's size",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        options=(
            prepared_set_option(),
            scenes_option(100),
            MeasureOption(
                flag="--oracle-steps",
                help="that the oracle learns on true masks",
                kind="whole number",
                default=300,
                check=in_range("oracle-steps", 0),
            ),
            seed_option("of scenes and the oracle's batches"),
        ),
    )
)
