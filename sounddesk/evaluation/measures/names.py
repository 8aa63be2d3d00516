"""`sounddesk evaluate names`."""

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
    masks: str = "outline",
    **options: Any,
) -> MeasureReport:
    """See `name_accuracy`."""
    from sounddesk.evaluation import name_accuracy

    kept = {name: options[name] for name in ("progress", "cancel") if name in options}
    result = name_accuracy.run(photographs, split=split or "", masks=masks, bundle=bundle, **kept)
    return MeasureReport(line=result.line(), document=result.to_json(), details=result.details())


MEASURES.register(
    MeasureEntry(
        name="names",
        summary="how often are outlined objects in photographs named rightly, and unknown ones refused",
        measure=measure,
        takes_pictures=False,
        options=(
            *photograph_options(),
            MeasureOption(
                flag="--masks",
                help="the outlines, or what one click selects",
                choices=("outline", "click"),
                default="outline",
            ),
        ),
    )
)
