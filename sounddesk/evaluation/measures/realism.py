"""`sounddesk evaluate realism`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import recording_options
from sounddesk.evaluation.measures.registry import seconds_option


def measure(_: None, /, *, pictures: Path | None = None, **options: Any) -> MeasureReport:
    """See `realism.realism`."""
    from sounddesk.evaluation.realism import realism

    result = realism.run(pictures=pictures, **options)
    return MeasureReport(line=result.line(), document=result.to_json(), details=result.details())


MEASURES.register(
    MeasureEntry(
        name="realism",
        summary="how far are copies and takes from real recordings, stage by stage",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        when_cancelled="cancelled; the same command goes on where it was",
        options=(
            MeasureOption(
                flag="--out",
                help="where to; an earlier run there goes on",
                kind="path",
                metavar="FOLDER",
                required=True,
            ),
            *recording_options(),
            MeasureOption(
                flag="--pictures",
                help="holds KIND/*.png cut-outs with alpha: also takes through pictures",
                kind="path",
                metavar="FOLDER",
            ),
            MeasureOption(
                flag="--backgrounds",
                help="photographs behind them",
                kind="path",
                metavar="FOLDER",
                default_text="plain ones",
            ),
            MeasureOption(flag="--seed", help="which takes", kind="whole number", default=0, check=in_range("seed", 0)),
            preset_option(),
            seconds_option(5.0),
        ),
    )
)
