"""`sounddesk evaluate sounds`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `sounds.sounds`."""
    from sounddesk.evaluation.sounds import sounds

    return MeasureReport.with_details(sounds.run(**options))


MEASURES.register(
    MeasureEntry(
        name="sounds",
        summary="how good are the sounds of several systems for the same clips, by the paper's metrics and our own",
        measure=measure,
        takes_pictures=False,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            MeasureOption(
                flag="system",
                help="a system and the folder of its sounds, named by the ids of the manifest as ID.wav; the first is "
                "tested against the others",
                metavar="SYSTEM=FOLDER",
                required=True,
                repeated=True,
            ),
            MeasureOption(
                flag="--manifest",
                help="JSON Lines with a clip in each line: id, image, mask, object, caption, labels, reference",
                kind="path",
                metavar="FILE",
                required=True,
            ),
            folder_option(
                "--out", "where the report is written; an earlier one there is brought up to date", required=True
            ),
            folder_option("--reference", "the real sounds, as ID.wav", default_text="what the manifest names"),
            MeasureOption(
                flag="--metrics", help="only these, separated by commas", kind="names", default=(), default_text="all"
            ),
            MeasureOption(
                flag="--examples",
                help="how many clips are shown with all their sounds side by side",
                kind="whole number",
                default=6,
                check=in_range("examples", 0, 100),
            ),
        ),
    )
)
