"""`sounddesk evaluate gallery`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import take_options

_MOST_TAKES: Final = 100


def measure(pictures: Path, *, out: Path, **options: Any) -> MeasureReport:
    """See `gallery.gallery`."""
    from sounddesk.evaluation.gallery import gallery

    result = gallery.run(pictures, out=out, **options)
    notes = []
    if result.place != out:
        notes.append(f"{out} holds files of these names already, so the gallery is beside it: {result.place}")
    return MeasureReport(line=result.line(), document={**result.to_json(), "page": str(result.page)}, notes=notes)


MEASURES.register(
    MeasureEntry(
        name="gallery",
        summary="what fails: a page with picture, mask, spectrogram and sound of every kind, the worst first",
        measure=measure,
        when_cancelled="cancelled, nothing was written",
        options=(
            folder_option("--out", "where to; an earlier gallery there is kept", required=True),
            MeasureOption(flag="--kinds", help="only these", kind="names", metavar="KIND,...", default=()),
            MeasureOption(
                flag="--takes",
                help=f"how many of each kind, each of another picture, 1 to {_MOST_TAKES}",
                kind="whole number",
                default=1,
                check=in_range("takes", 1, _MOST_TAKES),
            ),
            folder_option("--recordings", "holds KIND/*.flac, real recordings to compare with"),
            *take_options(5.0),
        ),
    )
)
