"""`sounddesk evaluate sounds`."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING
from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import in_range

if TYPE_CHECKING:
    from pathlib import Path

    from sounddesk.evaluation.sounds.sounds_result import ListenerRatings


def measure(_: None, /, *, study: Path | None = None, **options: Any) -> MeasureReport:
    """See `sounds.sounds`."""
    from sounddesk.evaluation.sounds import sounds

    listeners = None if study is None else listeners_of(study, options["system"])
    return MeasureReport.with_details(sounds.run(listeners=listeners, **options))


def listeners_of(study: Path, systems: Sequence[str]) -> ListenerRatings:
    """The ratings of a study as rows of the report, which calls the study's controls noise.

    Args:
        systems: NAME=FOLDER of each that is measured; the study's others have a row too, and a note.

    Raises:
        BadInputError: no study, or nobody has rated anything.
    """
    from sounddesk.evaluation.sounds.sounds_result import Cell
    from sounddesk.evaluation.sounds.sounds_result import ListenerRatings
    from sounddesk.evaluation.sounds.system_sounds import NOISE
    from sounddesk.evaluation.study.study_design import CONTROL
    from sounddesk.evaluation.study.study_design import QUESTIONS
    from sounddesk.evaluation.study.study_file import StudyFile
    from sounddesk.evaluation.study.study_report import read_ratings

    with StudyFile(study) as opened:
        found = read_ratings(opened)
    cells: dict[str, dict[str, Cell]] = {}
    for system in sorted(found.means, key=lambda name: name != CONTROL):
        rows = found.means[system]
        if rows:
            cells[NOISE if system == CONTROL else system] = {
                name: Cell(
                    value=each.value,
                    low=None if isnan(each.low) else each.low,
                    high=None if isnan(each.high) else each.high,
                    clips=each.ratings,
                )
                for name, each in rows.items()
            }
    measured = {text.partition("=")[0] for text in systems}
    notes = [f"{len(found.counted)} counted, {len(found.left_out)} left out ('sounddesk study report' says why)"]
    notes += [f"{name} was rated and is not measured here" for name in cells if name not in {*measured, NOISE}]
    return ListenerRatings(
        questions={str(name): text for name, text in QUESTIONS.items()}, cells=cells, notes=tuple(notes)
    )


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
            folder_option("--study", "also shows what listeners of this study said", default_text=""),
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
