"""How well words select objects: in photographs with outlines, or in scenes composed of cut-outs.

Each object is said by its label ('dog'). Where several objects of a picture have one label, it is said by its place
among them ('dog on the left'), if it is the outermost one of them in some direction or the biggest; else it is left
out, since few words say which one is meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.device import choose_device
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.prompters.choice import open_prompter
from sounddesk.engine.prompters.phrase import Place
from sounddesk.engine.prompters.phrase import read_phrase
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.prompters.said_object import choose
from sounddesk.engine.prompters.said_object import draw
from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.right_object import OBJECT_COUNTS
from sounddesk.resources_folder import SHIPPED_BUNDLE

HIT: Final = 0.5
"""Overlap from which on the object counts as found."""

_PLACES: Final[tuple[Place, ...]] = ("left", "right", "top", "bottom", "biggest")
_SAID: Final = {
    "left": "{} on the left",
    "right": "{} on the right",
    "top": "{} at the top",
    "bottom": "{} at the bottom",
    "biggest": "biggest {}",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPicture:
    """A picture sRGB uint8[H, W, 3] and its objects: label and mask bool[H, W]."""

    image: RgbImage
    objects: tuple[tuple[str, BoolMask], ...]


@dataclass(frozen=True, kw_only=True)
class SaidObject:
    """One phrase, and how much of what was selected is the object meant (IoU)."""

    picture: int
    phrase: str
    overlap: float


@dataclass(frozen=True, kw_only=True)
class SaidAccuracy:
    """Result over all phrases.

    Attributes:
        pictures: what they are, 'photographs' or 'scenes'.
        unsaid: objects that few words cannot say.
    """

    objects: tuple[SaidObject, ...]
    pictures: str
    count: int
    unsaid: int
    prompter: str
    segmenter: str
    bundle_sha256: str

    @property
    def mean(self) -> float:
        """Mean overlap."""
        return float(np.mean([each.overlap for each in self.objects]))

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval; objects of one picture are drawn together."""
        return bootstrap_interval([each.overlap for each in self.objects], [each.picture for each in self.objects])

    @property
    def found(self) -> float:
        """Share of objects with an overlap of a half."""
        return float(np.mean([each.overlap >= HIT for each in self.objects]))

    def line(self) -> str:
        low, high = self.interval
        return (
            f"mean overlap by words {self.mean:.3f} ({low:.3f} to {high:.3f}), {self.found:.3f} found, of "
            f"{len(self.objects)} objects in {self.count} {self.pictures} ({self.unsaid} left out, of which few words "
            f"say which is meant); {self.prompter}, drawn by {self.segmenter}"
        )

    def details(self) -> list[str]:
        """The phrases, the worst first."""
        return [f"{each.overlap:.3f}  {each.phrase}" for each in sorted(self.objects, key=lambda one: one.overlap)]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "say",
            "pictures": self.pictures,
            "count": self.count,
            "prompter": self.prompter,
            "segmenter": self.segmenter,
            "bundle_sha256": self.bundle_sha256,
            "mean_overlap": self.mean,
            "interval": list(self.interval),
            "found": self.found,
            "unsaid": self.unsaid,
            "objects": [
                {"picture": each.picture, "phrase": each.phrase, "overlap": each.overlap} for each in self.objects
            ],
        }


def phrases_of(picture: LabelledPicture) -> list[str | None]:
    """How each object of a picture is said in few words; None where they do not say which one is meant."""
    labels = [label for label, _ in picture.objects]
    said: list[str | None] = []
    for index, (label, _) in enumerate(picture.objects):
        alike = [other for other, name in enumerate(labels) if name == label]
        if len(alike) == 1:
            said.append(label)
            continue
        place = next((each for each in _PLACES if _outermost(picture, alike, each) == index), None)
        said.append(None if place is None else _SAID[place].format(label))
    return said


def _outermost(picture: LabelledPicture, among: Sequence[int], place: Place) -> int:
    boxes = {index: box_of_mask(picture.objects[index][1]) for index in among}
    by_place = {
        "left": lambda box: box[0] + box[2],
        "right": lambda box: -box[0] - box[2],
        "top": lambda box: box[1] + box[3],
        "bottom": lambda box: -box[1] - box[3],
        "biggest": lambda box: -(box[2] - box[0]) * (box[3] - box[1]),
    }
    return min(among, key=lambda index: by_place[place](boxes[index]))


def run(
    pictures: Path | None,
    *,
    photographs: Path | None = None,
    split: str = "",
    scenes: int = 40,
    seed: int = 0,
    backgrounds: Path | None = None,
    bundle: str | Path = SHIPPED_BUNDLE,
    device: str = "cpu",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SaidAccuracy:
    """Select the objects of photographs, or of scenes composed of cut-outs, by words.

    Args:
        pictures: folder of KIND/*.png cut-outs with alpha, for scenes of two to four kinds that the bundle knows.
        photographs: a folder with labelme's or COCO's outlines beside the pictures; one of both is given.
        split: only the photographs of this split.
        scenes, seed, backgrounds: which scenes, as in `right_object`.
        bundle: whose eyes, where no prompter or segmenter is installed.
        progress: called after each picture.
        cancel: asked before each.

    Raises:
        BadInputError: not exactly one of `pictures` and `photographs`, or nothing can be said.
        EngineError: pictures or networks cannot be used.
        Cancelled: through `cancel`.
    """
    if (pictures is None) == (photographs is None):
        raise BadInputError("name either --photographs FOLDER or --pictures FOLDER")
    opened = find_bundle(bundle)
    chosen = str(choose_device(device).device)
    drawn: Iterable[LabelledPicture]
    if photographs is not None:
        found = read_annotated_photographs(photographs, split=split)
        what, count = "photographs", len(found)
        drawn = (_of_photograph(each) for each in found)
    else:
        assert pictures is not None
        folder = read_picture_folder(pictures, [kind.name for kind in read_bundle_kinds(opened)])
        behind = read_backgrounds(backgrounds) if backgrounds is not None else []
        what, count = "scenes", scenes
        drawn = (_of_scene(folder.cut_outs, seed=seed, index=index, backgrounds=behind) for index in range(scenes))
    prompter = open_prompter(bundle, device=chosen)
    segmenter = choose_segmenter(bundle=bundle, device=chosen).segmenter
    objects, unsaid = measure_said(
        drawn, count, prompter=prompter, segmenter=segmenter, progress=progress, cancel=cancel
    )
    if not objects:
        raise BadInputError("no object can be said in few words: give pictures whose objects have labels of their own")
    return SaidAccuracy(
        objects=tuple(objects),
        pictures=what,
        count=count,
        unsaid=unsaid,
        prompter=prompter.name,
        segmenter=segmenter.name,
        bundle_sha256=opened.sha256,
    )


def measure_said(
    pictures: Iterable[LabelledPicture],
    count: int,
    *,
    prompter: Prompter,
    segmenter: Segmenter,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[list[SaidObject], int]:
    """Every phrase of every picture, and how many objects were left out. Raises: Cancelled."""
    reporter = StageReporter(stage="say", total=count, on_progress=progress, cancel=cancel)
    objects: list[SaidObject] = []
    unsaid = 0
    for index, picture in enumerate(pictures):
        encoded = segmenter.encode(picture.image)
        for phrase, (_, truth) in zip(phrases_of(picture), picture.objects, strict=True):
            if phrase is None:
                unsaid += 1
                continue
            read = read_phrase(phrase)
            found = prompter.find(picture.image, read.thing, cancel=cancel)
            chosen = choose(found, read, size=(encoded.width, encoded.height))
            try:
                answer = None if chosen is None else draw(encoded, chosen, segmenter).mask
            except EmptySelectionError:
                answer = None
            share = 0.0 if answer is None else overlap(answer, truth)
            objects.append(SaidObject(picture=index, phrase=phrase, overlap=share))
        reporter.step(index + 1)
    return objects, unsaid


def _of_photograph(photograph: Any) -> LabelledPicture:
    image = photograph.image()
    height, width = image.shape[:2]
    drawn = ((one.label, one.mask(height=height, width=width)) for one in photograph.objects)
    return LabelledPicture(
        image=image, objects=tuple((label, mask) for label, mask in drawn if mask.any() and not mask.all())
    )


def _of_scene(cut_outs: Any, *, seed: int, index: int, backgrounds: Sequence[RgbImage]) -> LabelledPicture:
    scene = draw_scene(cut_outs, counts=OBJECT_COUNTS, seed=seed, index=index, backgrounds=backgrounds)
    visible = ((kind, mask) for kind, mask in zip(scene.kinds, scene.composed.masks, strict=True))
    return LabelledPicture(image=scene.composed.image, objects=tuple((k, mask) for k, mask in visible if mask.any()))
