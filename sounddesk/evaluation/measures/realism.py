"""`sounddesk evaluate realism`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import recording_options
from sounddesk.evaluation.measures.registry import seconds_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `realism.realism`."""
    from sounddesk.evaluation.realism import realism

    return MeasureReport.with_details(realism.run(**options))


MEASURES.register(
    MeasureEntry(
        name="realism",
        summary="how far are copies and takes from real recordings, stage by stage",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            folder_option("--out", "where to; an earlier run there goes on", required=True),
            *recording_options(),
            folder_option("--pictures", "holds KIND/*.png cut-outs with alpha: also takes through pictures"),
            folder_option("--backgrounds", "photographs behind them", default_text="plain ones"),
            seed_option("which takes"),
            preset_option(),
            seconds_option(5.0),
        ),
    )
)
