"""`sounddesk evaluate segmenter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import photograph_split_option
from sounddesk.evaluation.measures.registry import scenes_option


def measure(
    pictures: Path | None,
    *,
    photographs: Path | None = None,
    split: str = "",
    segmenter: tuple[str, ...] = (),
    page: Path | None = None,
    **options: Any,
) -> MeasureReport:
    """See `photograph_accuracy`, and `segmenter_accuracy` for composed scenes of `pictures`.

    Raises:
        BadInputError: not exactly one of `pictures` and `photographs` is given; an option of photographs without any.
    """
    if (pictures is None) == (photographs is None):
        raise BadInputError("name either --photographs FOLDER or --pictures FOLDER")
    if photographs is not None:
        from sounddesk.evaluation import photograph_accuracy
        from sounddesk.evaluation.worst_objects import WorstObjects

        worst = None if page is None else WorstObjects()
        kept = {name: options[name] for name in ("bundle", "device", "progress", "cancel") if name in options}
        result = photograph_accuracy.run(photographs, segmenters=segmenter, split=split, worst=worst, **kept)
        notes = [] if worst is None or page is None else [f"the worst objects are in {worst.write(page)}"]
        return MeasureReport(line=result.line(), document=result.to_json(), details=result.details(), notes=notes)
    if split or page is not None:
        raise BadInputError("--split and --page are of photographs: name --photographs FOLDER")
    assert pictures is not None
    from sounddesk.evaluation import segmenter_accuracy

    scenes = segmenter_accuracy.run(pictures, segmenters=segmenter, **options)
    return MeasureReport.of(scenes)


MEASURES.register(
    MeasureEntry(
        name="segmenter",
        summary="how well do clicks and boxes select outlined objects in photographs, or in crowded scenes of cut-outs",
        measure=measure,
        known_kinds_only=False,
        instead_of_pictures="--photographs",
        options=(
            folder_option("--photographs", "holds photographs with labelme's or COCO's outlines beside them"),
            photograph_split_option(),
            MeasureOption(
                flag="--segmenter",
                help="which segmenters, by name",
                kind="names",
                metavar="NAME,...",
                default=(),
                default_text="the one that clicks use, and GrabCut",
            ),
            folder_option("--page", "where to write a page of the photographs' worst objects with the clicks drawn in"),
            scenes_option(40),
        ),
    )
)
