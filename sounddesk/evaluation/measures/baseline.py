"""`sounddesk evaluate baseline`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import seconds_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `baselines.system_folder`."""
    from sounddesk.evaluation.baselines import system_folder

    return MeasureReport.with_details(system_folder.run(**options))


MEASURES.register(
    MeasureEntry(
        name="baseline",
        summary="makes the sounds of a bundle or of a baseline for the clips of a manifest, for 'evaluate sounds'",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            MeasureOption(flag="--name", help="which one", metavar="NAME", choices=BASELINES.names(), required=True),
            MeasureOption(
                flag="--manifest",
                help="JSON Lines with a clip in each line, as for 'evaluate sounds'",
                kind="path",
                metavar="FILE",
                required=True,
            ),
            folder_option("--out", "gets ID.wav of each clip; an earlier run there goes on", required=True),
            folder_option("--recordings", "KIND/*.flac that 'retrieve' takes sounds from", default_text=""),
            folder_option("--separator", "what 'retrieve-separate' separates by", default_text=""),
            seed_option("of the takes"),
            preset_option(),
            seconds_option(10.0),
        ),
    )
)
