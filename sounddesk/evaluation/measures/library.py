"""`sounddesk evaluate library`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import prepared_set_option
from sounddesk.evaluation.measures.registry import scenes_option


def measure(pictures: Path, /, **options: Any) -> MeasureReport:
    """See `library.library_accuracy`."""
    from sounddesk.evaluation.library import library_accuracy

    return MeasureReport.with_details(library_accuracy.run(pictures, **options))


MEASURES.register(
    MeasureEntry(
        name="library",
        summary="does an object find its recordings in a library of real ones",
        measure=measure,
        options=(
            prepared_set_option("real recordings: KIND/*.flac (or WAV, OGG, AIFF), or a prepared set"),
            MeasureOption(
                flag="--split",
                help="which part of such a set",
                choices=("train", "validation", "test", "all"),
                default_text="test",
            ),
            scenes_option(60),
            folder_option("--learn", "first learn the classifier of kinds from the training part, and write it there"),
        ),
    )
)
