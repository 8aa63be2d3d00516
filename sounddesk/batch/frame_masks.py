"""The masks of one frame: given, read from files, found by the segmenter, proposed, or made from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sounddesk.batch.jobs import FrameJob
from sounddesk.batch.jobs import PlannedObject
from sounddesk.batch.jobs import RenderSettings
from sounddesk.domain.errors import EngineError
from sounddesk.domain.scene import AMBIENCE_NAME
from sounddesk.domain.scene import BLEND_NAME
from sounddesk.domain.selection import PROMPTED
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Selection
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.images.scene_objects import Coverage
    from sounddesk.engine.images.scene_objects import SoundingObject
    from sounddesk.engine.perception.recognition import RecognisesObjects
    from sounddesk.engine.prompters.registry import Prompter
    from sounddesk.engine.segmenters.choice import SegmenterChoice


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundMasks:
    """What sounds in a frame: all that was planned, and those of it that are there, with their masks.

    Attributes:
        notes: what was left out, turned or assumed in mask files, one sentence each with the object's name.
        empty: names of the objects whose mask has no pixel in this frame.
    """

    planned: tuple[PlannedObject, ...]
    objects: tuple[SoundingObject, ...]
    segmenter: str | None = None
    notes: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset()


class MaskFinder:
    """Finds the masks of frames; loads a segmenter only when it has to ask one."""

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings
        self._choice: SegmenterChoice | None = None
        self._recogniser: RecognisesObjects | None = None
        self._recogniser_opened = False
        self._prompter: Prompter | None = None

    def find(self, job: FrameJob, image: RgbImage, *, image_name: str = "", orientation: int = 1) -> FoundMasks:
        """The masks of all objects of a frame; `image_name` and `orientation` are of its `LoadedImage`.

        Raises:
            EngineError: a mask that cannot be used, or none found where an object should be.
        """
        if job.auto is not None:
            return self._propose(job, image)
        return self.find_objects(job.objects, image, image_name=image_name, orientation=orientation)

    def find_objects(
        self, planned: tuple[PlannedObject, ...], image: RgbImage, *, image_name: str = "", orientation: int = 1
    ) -> FoundMasks:
        """The masks of named objects.

        Raises:
            EngineError: a mask that cannot be used, or none found where an object should be.
        """
        height, width = image.shape[:2]
        coverages: dict[str, Coverage | None] = {}
        asked = []
        notes: list[str] = []
        empty_ones: set[str] = set()
        for each in planned:
            if each.mask is not None:
                coverages[each.name] = _fitted(each, width=width, height=height)
            elif each.selection.how == "mask_file":
                told: list[str] = []
                coverages[each.name] = _from_file(
                    each, width=width, height=height, image_name=image_name, orientation=orientation, notes=told
                )
                notes += [f"{each.name!r}: {note}" for note in told]
            elif each.selection.how in PROMPTED:
                asked.append(ObjectSpec(name=each.name, selection=each.selection))
                continue
            elif each.kind == "object":
                # Per-frame masks were given, and there is none for this frame.
                coverages[each.name] = None
                continue
            if each.name in coverages and coverages[each.name] is None:
                empty_ones.add(each.name)
        if asked:
            coverages.update(self._ask(asked, image))
        present = {name: coverage for name, coverage in coverages.items() if coverage is not None}
        named = {each.name for each in planned if each.kind == "object"}
        parts = {name: coverage for name, coverage in present.items() if name in named}
        empty = np.zeros((height, width), dtype=np.uint8)
        objects = [_sounding(each, present.get(each.name), parts, empty=empty) for each in planned]
        return FoundMasks(
            planned=planned,
            objects=tuple(each for each in objects if each is not None),
            segmenter=self.segmenter.segmenter.name if asked else None,
            notes=tuple(notes),
            empty=frozenset(empty_ones),
        )

    @property
    def segmenter(self) -> SegmenterChoice:
        """The segmenter in use. Raises: EngineError."""
        if self._choice is None:
            from sounddesk.engine.device import choose_device
            from sounddesk.engine.segmenters.choice import choose_segmenter

            device = str(choose_device(self._settings.device).device)
            self._choice = choose_segmenter(checkpoint=self._settings.sam, device=device, bundle=self._settings.bundle)
        return self._choice

    @property
    def recogniser(self) -> RecognisesObjects | None:
        """What names proposed objects; None where the bundles bring none. Raises: EngineError."""
        if not self._recogniser_opened:
            from sounddesk.engine.starter.recogniser import open_recogniser

            self._recogniser = open_recogniser(self._settings.bundle)
            self._recogniser_opened = True
        return self._recogniser

    def ask(self, specs: Sequence[ObjectSpec], image: RgbImage) -> dict[str, Coverage]:
        """What the segmenter answers to clicks, boxes and words, by name. Raises: EngineError."""
        from sounddesk.engine.images.scene_objects import prompted_masks

        return prompted_masks(
            specs, image=image, segmenter=self.segmenter.segmenter, open_prompter=lambda: self.prompter
        )

    @property
    def prompter(self) -> Prompter:
        """What finds things by words. Raises: EngineError."""
        if self._prompter is None:
            from sounddesk.engine.device import choose_device
            from sounddesk.engine.prompters.choice import open_prompter

            self._prompter = open_prompter(
                self._settings.bundle, device=str(choose_device(self._settings.device).device)
            )
        return self._prompter

    def _ask(self, specs: Sequence[ObjectSpec], image: RgbImage) -> dict[str, Coverage]:
        from sounddesk.engine.images.scene_objects import check_prompts

        check_prompts(specs, width=image.shape[1], height=image.shape[0])
        return self.ask(specs, image)

    def _propose(self, job: FrameJob, image: RgbImage) -> FoundMasks:
        from sounddesk.engine.images.scene_objects import SoundingObject
        from sounddesk.engine.images.scene_objects import with_blend_and_ambience
        from sounddesk.engine.images.suggested_objects import suggested_objects

        objects = [
            SoundingObject(name=each.spec.name, kind="object", selection=each.spec.selection, coverage=each.coverage)
            for each in suggested_objects(image, segmenter=self.segmenter.proposer, recogniser=self.recogniser)
        ]
        size = (image.shape[1], image.shape[0])
        every = with_blend_and_ambience(objects, size=size, blend=job.blend, ambience=job.ambience)
        planned = tuple(
            PlannedObject(name=each.name, kind=each.kind, selection=each.selection, source=auto_source(job, each.name))
            for each in every
        )
        return FoundMasks(planned=planned, objects=every, segmenter=self.segmenter.segmenter.name)


def auto_source(job: FrameJob, name: str) -> list[str | None]:
    """What stands for the mask of a proposed object in the hash of its inputs."""
    return ["auto", job.auto, name]


def blend_and_ambience(objects: Sequence[PlannedObject], *, blend: bool, ambience: bool) -> tuple[PlannedObject, ...]:
    """The objects, and what is made from their masks, where asked for."""
    sources = [each.source for each in objects]
    every = list(objects)
    if blend:
        every.append(
            PlannedObject(name=BLEND_NAME, kind="blend", selection=Selection(how="union"), source=["union", sources])
        )
    if ambience:
        rest = Selection(how="complement")
        every.append(PlannedObject(name=AMBIENCE_NAME, kind="ambience", selection=rest, source=["rest", sources]))
    return tuple(every)


def _sounding(
    each: PlannedObject, coverage: Coverage | None, parts: dict[str, Coverage], *, empty: Coverage
) -> SoundingObject | None:
    """The object with its own mask or one made from the others (`parts`); None where it is absent from the frame."""
    from sounddesk.engine.images.scene_objects import SoundingObject
    from sounddesk.engine.images.scene_objects import ambience_of

    selection = each.selection
    if coverage is None and each.kind == "blend":
        chosen = [part for name, part in parts.items() if not each.members or name in each.members]
        coverage = np.maximum.reduce(chosen) if chosen else None
    elif coverage is None and each.kind == "ambience":
        rest = ambience_of(np.maximum.reduce([empty, *parts.values()]))
        coverage, selection = rest.coverage, rest.selection
    if coverage is None:
        return None
    return SoundingObject(
        name=each.name,
        kind=each.kind,
        selection=selection,
        coverage=coverage,
        hint=each.hint,
        negative_hint=each.negative_hint,
    )


def _fitted(each: PlannedObject, *, width: int, height: int) -> Coverage | None:
    from sounddesk.domain.mask import fit_to_image

    assert each.mask is not None
    coverage = each.mask.to_array()
    if coverage.shape != (height, width):
        try:
            coverage = fit_to_image(coverage >= 128, width=width, height=height).astype(np.uint8) * np.uint8(255)
        except ValueError as error:
            raise EngineError(f"{each.name!r}: {error}") from error
    if not (coverage >= 128).any():
        if each.may_be_absent:
            return None
        raise EngineError(f"mask of {each.name!r} is empty: select an object or paint one")
    return coverage


def _from_file(
    each: PlannedObject, *, width: int, height: int, image_name: str, orientation: int, notes: list[str]
) -> Coverage | None:
    from sounddesk.engine.images.mask_file import EmptyMaskError
    from sounddesk.engine.images.scene_objects import mask_from_file

    try:
        spec = ObjectSpec(name=each.name, selection=each.selection)
        return mask_from_file(
            spec, width=width, height=height, image_name=image_name, orientation=orientation, notes=notes
        )
    except EngineError as error:
        if each.may_be_absent and isinstance(error.__cause__, EmptyMaskError):
            return None
        raise
