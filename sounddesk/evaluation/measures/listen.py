"""`sounddesk evaluate listen`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import recording_options
from sounddesk.evaluation.measures.registry import seconds_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(
    _: None, /, *, out: Path, bundle: list[str] | None = None, answers: list[Path] | None = None, **options: Any
) -> MeasureReport:
    """See `listening.listening_test`; with answers the report of a page, else a new page."""
    from sounddesk.evaluation.listening import listening_test

    if answers:
        told = listening_test.report(out, answers)
        return MeasureReport.with_details(told)
    made = listening_test.write_test(out=out, bundles=bundle or ["starter"], **options)
    return MeasureReport.of(made)


MEASURES.register(
    MeasureEntry(
        name="listen",
        summary="writes a blind page of takes and recordings for people to listen to, and reads their answers",
        measure=measure,
        takes_pictures=False,
        when_cancelled="cancelled, nothing was written",
        options=(
            folder_option("--out", "folder of the page", required=True),
            MeasureOption(
                flag="--bundle",
                help="whose takes; give it twice to compare two",
                metavar="NAME|FOLDER",
                repeated=True,
                default_text="starter",
            ),
            MeasureOption(
                flag="--answers",
                help="what a listener saved: report instead of a page; give it once for each listener",
                kind="path",
                metavar="FILE",
                repeated=True,
                default_text="",
            ),
            *recording_options()[:2],
            folder_option(
                "--pictures",
                "holds KIND/*.png cut-outs with alpha: takes through pictures",
                default_text="takes by words",
            ),
            MeasureOption(
                flag="--kinds",
                help="how many",
                kind="whole number",
                default=12,
                check=in_range("kinds", 1, 500),
            ),
            seed_option("which takes, in which order"),
            preset_option(),
            seconds_option(5.0),
        ),
    )
)
