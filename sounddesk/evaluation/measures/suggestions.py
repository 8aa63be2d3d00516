"""`sounddesk evaluate suggestions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import photograph_options
from sounddesk.resources_folder import SHIPPED_BUNDLE


def measure(
    pictures: None,  # noqa: ARG001  # it takes none
    *,
    photographs: Path,
    split: str | None = None,
    bundle: str = SHIPPED_BUNDLE,
    segmenter: str = "",
    **options: Any,
) -> MeasureReport:
    """See `suggestion_accuracy`."""
    from sounddesk.evaluation import suggestion_accuracy

    kept = {name: options[name] for name in ("progress", "cancel") if name in options}
    result = suggestion_accuracy.run(photographs, split=split or "", segmenter=segmenter, bundle=bundle, **kept)
    return MeasureReport(line=result.line(), document=result.to_json(), details=result.details())


MEASURES.register(
    MeasureEntry(
        name="suggestions",
        summary="how many outlined objects are among the first suggestions of a photograph, and how soon one comes",
        measure=measure,
        takes_pictures=False,
        options=(
            *photograph_options(),
            MeasureOption(
                flag="--segmenter",
                help="which segmenter, by name",
                metavar="NAME",
                default="",
                default_text="the one that the window uses",
            ),
        ),
    )
)
