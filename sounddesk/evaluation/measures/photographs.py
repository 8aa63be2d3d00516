"""`sounddesk evaluate photographs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport


def measure(
    pictures: None,  # noqa: ARG001  # it takes none
    *,
    out: Path,
    packages: Path | None = None,
    **options: Any,
) -> MeasureReport:
    """See `photograph_package.fetch_photographs`."""
    from sounddesk.evaluation.photograph_package import fetch_photographs

    kept = {name: options[name] for name in ("progress", "cancel") if name in options}
    result = fetch_photographs(out, packages=packages, **kept)
    return MeasureReport(line=result.line(), document=result.to_json())


MEASURES.register(
    MeasureEntry(
        name="photographs",
        summary="fetches the photographs whose outlines ship, for 'segmenter --photographs'",
        measure=measure,
        takes_pictures=False,
        options=(
            MeasureOption(flag="--out", help="where to", kind="path", metavar="FOLDER", required=True),
            MeasureOption(
                flag="--packages",
                help="keeps the packages (300 MB) and is used where it holds them already",
                kind="path",
                metavar="FOLDER",
                default_text="a temporary folder",
            ),
        ),
    )
)
