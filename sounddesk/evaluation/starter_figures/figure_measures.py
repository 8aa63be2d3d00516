"""How each figure of the starter is measured: one function each, in the order in which the documents tell them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.recogniser import NAMES_DOCUMENT
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.evaluation import grounding_accuracy
from sounddesk.evaluation import right_object
from sounddesk.evaluation import segmenter_accuracy
from sounddesk.evaluation.realism import realism
from sounddesk.evaluation.realism.realism_result import Comparison
from sounddesk.evaluation.recordings.bundle_weights import NO_PART_IN_SOUND
from sounddesk.evaluation.recordings.bundle_weights import weights_sha256
from sounddesk.evaluation.variety import variety

# How many cases, and how many where it is to be quick.
_OBJECT_SCENES: Final = (120, 30)
_GROUNDING_SCENES: Final = (200, 50)
_MASK_SCENES: Final = (60, 15)
_VARIETY_KINDS: Final = (24, 6)


@dataclass(frozen=True, kw_only=True)
class MeasuringPlace:
    """What a measurement may use.

    Attributes:
        data: the starter's data set.
        pictures: its test pictures, KIND/*.png.
        work: keeps sounds between runs.
        quick: fewer cases, for a first look; the figure says how many.
    """

    bundle: str | Path
    data: Path
    pictures: Path
    work: Path
    quick: bool
    progress: OnProgress | None
    cancel: CancelToken | None

    def size(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


@dataclass(frozen=True, kw_only=True)
class MeasuredText:
    """A figure before it is told what it belongs to; `part` is '' where a measure gives one figure only."""

    part: str
    what: str
    measured: str
    floor: str = ""


@dataclass(frozen=True, kw_only=True)
class FigureMeasure:
    """A measure of the starter: its name, the command that repeats it, and the function.

    Attributes:
        command: with '{size}' for how many cases there are, the first of `sizes`, or the second where it is quick.
        without: components and documents of the bundle that have no part in its figures, so that these stay when those
            change. Where takes are measured masks are given, so neither the segmenter nor names of objects count.
    """

    name: str
    command: str
    measure: Callable[[MeasuringPlace], list[MeasuredText]]
    without: tuple[str, ...] = NO_PART_IN_SOUND
    sizes: tuple[int, int] = (0, 0)

    def command_text(self, *, quick: bool) -> str:
        """The command as it is typed."""
        return self.command.format(size=self.sizes[quick])


def _right_object(place: MeasuringPlace) -> list[MeasuredText]:
    result = right_object.run(
        place.pictures,
        bundle=place.bundle,
        scenes=place.size(*_OBJECT_SCENES),
        seconds=5.0,
        progress=place.progress,
        cancel=place.cancel,
    )
    ceiling = result.ceiling
    beside = "" if ceiling is None else f"; ceiling {ceiling.text()}"
    of_all = result.accuracy_of_all
    all_ceiling = "" if result.ceiling_of_all is None else f"; ceiling {result.ceiling_of_all.share:.3f}"
    what = "right object: takes that an independent judge takes for their object, scenes of 2 to 4"
    return [
        MeasuredText(
            part="",
            what=what,
            measured=f"{result.accuracy.text()}, chance {result.chance:.3f}{beside}",
            floor="0.90 of the ceiling",
        ),
        MeasuredText(
            part="all kinds",
            what="the same among all that the judge knows",
            measured=f"{of_all.share:.3f} ({of_all.hits} of {of_all.trials}, one of {result.known_kinds}){all_ceiling}",
        ),
    ]


def _grounding(place: MeasuringPlace) -> list[MeasuredText]:
    result = grounding_accuracy.run(
        place.pictures,
        bundle=place.bundle,
        scenes=place.size(*_GROUNDING_SCENES),
        progress=place.progress,
        cancel=place.cancel,
    )
    what = "grounding: the attention of a name falls on the named object, scenes of 4"
    return [MeasuredText(part="", what=what, measured=result.in_region.text(), floor="0.90")]


def _masks(place: MeasuringPlace) -> list[MeasuredText]:
    result = segmenter_accuracy.run(
        place.pictures,
        bundle=place.bundle,
        scenes=place.size(*_MASK_SCENES),
        segmenters=("starter",),
        progress=place.progress,
        cancel=place.cancel,
    )
    (ours,) = result.figures
    values = ", ".join(f"{prompt} {ours.mean(prompt):.3f}" for prompt in segmenter_accuracy.PROMPTS)
    return [
        MeasuredText(
            part="",
            what="masks in composed crowded scenes (mean overlap)",
            measured=f"{values} ({len(result.small)} objects in {result.scenes} scenes)",
            floor="0.70, 0.82, 0.85",
        )
    ]


def _realism(place: MeasuringPlace) -> list[MeasuredText]:
    result = realism.run(
        out=place.work / "realism",
        reference=place.data,
        bundle=place.bundle,
        pictures=place.pictures,
        recordings=24 if place.quick else None,
        progress=place.progress,
        cancel=place.cancel,
    )

    def text(row: Comparison) -> str:
        size = f"{row.recordings} recordings of {row.kinds} kinds; {result.heard}"
        return f"{row.distance.text(1)}; {row.auc.text(3)} ({size})"

    def what(row: Comparison) -> str:
        pair = {
            "half against half": "held-out recordings, half against half",
            "other recordings": "other recordings of the same kinds against held-out ones (a ceiling)",
        }.get(row.row, f"{row.row} against held-out recordings")
        return f"{pair}, {'full band' if row.band == 'full' else 'band to 8 kHz'}: Fréchet distance; AUC"

    return [
        MeasuredText(part=f"{row.row}, {row.band}", what=what(row), measured=text(row)) for row in result.comparisons
    ]


def _variety(place: MeasuringPlace) -> list[MeasuredText]:
    result = variety.run(
        out=place.work / "variety",
        reference=place.data,
        bundle=place.bundle,
        kinds=place.size(*_VARIETY_KINDS),
        progress=place.progress,
        cancel=place.cancel,
    )
    share, low, high = result.copied
    apart, apart_low, apart_high = result.between_takes
    real = result.between_recordings
    beside = "" if real is None else f"; two recordings of a kind, copied by the codec: {real:.3f}"
    size = f"{result.takes} takes of each of {len(result.kinds)} kinds"
    return [
        MeasuredText(
            part="between takes",
            what="variety: cosine distance of two takes of a kind",
            measured=f"{apart:.3f} (95 % interval {apart_low:.3f} to {apart_high:.3f}; {size}){beside}",
        ),
        MeasuredText(
            part="copied",
            what="takes nearer to a training recording of their kind than nine in ten unheard recordings are",
            measured=f"{share:.3f} (95 % interval {low:.3f} to {high:.3f}; {size}); unheard recordings 0.1",
        ),
    ]


def _time(place: MeasuringPlace) -> list[MeasuredText]:
    times: dict[int, list[float]] = {1: [], 4: []}
    with EngineSession.open(bundle=place.bundle, device="cpu") as session:
        session.load(on_progress=place.progress, cancel=place.cancel)
        session.generate(_squares(1, seconds=1.0, shade=0), cancel=place.cancel)
        for run in range(place.size(3, 1)):
            for objects, measured in times.items():
                start = time.perf_counter()
                session.generate(_squares(objects, seconds=10.0, shade=2 * run + objects), cancel=place.cancel)
                measured.append(time.perf_counter() - start)
    one, four = statistics.median(times[1]), statistics.median(times[4])
    threads = _threads()
    return [
        MeasuredText(
            part="",
            what="10 s of sound for one object, model loaded; four objects",
            measured=f"{one:.1f} s; {four:.1f} s ({four / one:.2f} times; {threads}, as busy as the machine was)",
            floor="10 s; 3.5 times one",
        )
    ]


def _determinism(place: MeasuringPlace) -> list[MeasuredText]:
    request = _squares(4, seconds=2.0 if place.quick else 5.0, shade=7)
    sounds = []
    for _ in range(2):
        with EngineSession.open(bundle=place.bundle, device="cpu") as session:
            sounds.append(np.stack([take.waveform for take in session.generate(request, cancel=place.cancel)]))
            if len(sounds) == 2:
                alone = [
                    session.generate(
                        GenerationRequest(image=request.image, takes=(take,), seconds=request.seconds),
                        cancel=place.cancel,
                    )[0].waveform
                    for take in request.takes
                ]
    twice = float(np.abs(sounds[0] - sounds[1]).max())
    same = "identical" if twice == 0.0 else f"differs by {twice:.1e}"
    apart = float(np.abs(sounds[0] - np.stack(alone)).max())
    return [
        MeasuredText(
            part="",
            what="same request twice; four objects at once against one by one",
            measured=f"{same}; within {apart:.1e} of full scale",
            floor="identical; within 1e-3",
        )
    ]


MEASURES_OF_STARTER: Final = (
    FigureMeasure(
        name="right-object",
        command="sounddesk evaluate right-object --pictures FOLDER --scenes {size} --seconds 5",
        measure=_right_object,
        sizes=_OBJECT_SCENES,
    ),
    FigureMeasure(
        name="grounding",
        command="sounddesk evaluate grounding --pictures FOLDER --scenes {size}",
        measure=_grounding,
        sizes=_GROUNDING_SCENES,
    ),
    FigureMeasure(
        name="masks",
        command="sounddesk evaluate segmenter --pictures FOLDER --scenes {size} --segmenter starter",
        measure=_masks,
        sizes=_MASK_SCENES,
        without=(NAMES_DOCUMENT,),
    ),
    FigureMeasure(
        name="realism",
        command="sounddesk evaluate realism --reference DATA --pictures FOLDER --out FOLDER",
        measure=_realism,
    ),
    FigureMeasure(
        name="variety",
        command="sounddesk evaluate variety --reference DATA --kinds {size} --out FOLDER",
        measure=_variety,
        sizes=_VARIETY_KINDS,
    ),
    FigureMeasure(name="time", command="sounddesk evaluate starter --rows time", measure=_time),
    FigureMeasure(name="determinism", command="sounddesk evaluate starter --rows determinism", measure=_determinism),
)


def figure_measure(name: str) -> FigureMeasure:
    """The measure of that name. Raises: BadInputError."""
    for each in MEASURES_OF_STARTER:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in MEASURES_OF_STARTER)
    raise BadInputError(f"there is no figure {name!r}: choose among {known}")


def weights_of_figure(bundle: Bundle, name: str) -> str:
    """Hash of what decides the figure of a name; of the whole bundle for a name that is not known."""
    wanted = name.partition("/")[0]
    without = next((each.without for each in MEASURES_OF_STARTER if each.name == wanted), ())
    return weights_sha256(bundle, without=without)


def _squares(count: int, *, seconds: float, shade: int) -> GenerationRequest:
    """`count` coloured squares on a ground of its own shade, so that each request has another image."""
    image = np.full((256, 256, 3), 120 + shade, dtype=np.uint8)
    takes = []
    for index in range(count):
        top, left = 20 + 120 * (index // 2), 20 + 120 * (index % 2)
        mask = np.zeros((256, 256), dtype=bool)
        mask[top : top + 90, left : left + 90] = True
        image[mask] = (60 * index + 20, 200 - 40 * index, 90)
        takes.append(ObjectRequest(name=f"square {index}", mask=mask, seed=11 + index))
    return GenerationRequest(image=image, takes=tuple(takes), seconds=seconds)


def _threads() -> str:
    import torch

    count = torch.get_num_threads()
    return f"{count} thread{'s' if count > 1 else ''}"
