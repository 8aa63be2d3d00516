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
    """See `separation.separator_accuracy`."""
    from sounddesk.evaluation.separation import separator_accuracy

    return MeasureReport.with_details(separator_accuracy.run(**options))


MEASURES.register(
    MeasureEntry(
        name="separator",
        summary="how much of one object's sound does a separator take out of mixtures of held-out recordings",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        options=(
            folder_option("--separator", "'export/separator' of a training run", required=True),
            prepared_set_option(),
            MeasureOption(
                flag="--mixtures",
                help="how many",
                kind="whole number",
                default=200,
                check=in_range("mixtures", 1),
            ),
            seed_option("of mixtures and scenes"),
        ),
    )
)
