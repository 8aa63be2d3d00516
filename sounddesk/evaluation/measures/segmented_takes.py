"""`sounddesk evaluate segmented-takes`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import prepared_set_option
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import scenes_option
from sounddesk.evaluation.measures.registry import seconds_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `segmented_takes`."""
    from sounddesk.evaluation import segmented_takes

    return MeasureReport.with_details(segmented_takes.run(**options))


MEASURES.register(
    MeasureEntry(
        name="segmented-takes",
        summary="how good are takes of the masks of several segmenters, beside those of the true masks",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            folder_option("--out", "gets masks, takes and report; an earlier run there goes on", required=True),
            prepared_set_option(),
            MeasureOption(
                flag="--segmenter",
                help="which segmenters, by name",
                kind="names",
                metavar="NAME,...",
                default=(),
                default_text="the one that clicks use, and GrabCut",
            ),
            MeasureOption(
                flag="--metrics",
                help="only these of 'evaluate sounds', separated by commas",
                kind="names",
                default=(),
                default_text="all",
            ),
            scenes_option(40),
            seed_option("of scenes and takes"),
            preset_option(),
            seconds_option(2.56),
        ),
    )
)
