"""From an image and named selections to the objects that will sound, each with its mask; free of torch."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import quantise_probability
from sounddesk.domain.scene import AMBIENCE_NAME
from sounddesk.domain.scene import BLEND_NAME
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Selection
from sounddesk.domain.selection import split_mask_reference
from sounddesk.engine.images.mask_formats import read_one_mask
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.prompters.said_object import find_said
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.scales import index_of_scale
from sounddesk.engine.segmenters.scales import scales_of
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import TakeKind

Coverage = npt.NDArray[np.uint8]

# Where less of the image than this is left over, the ambience stands for the whole image.
_SMALLEST_REST: Final = 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundingObject:
    """One thing that will sound.

    Attributes:
        name: as the user gave it.
        kind: object, blend or ambience.
        selection: how it was selected.
        coverage: uint8[H, W], 255 where a pixel surely belongs to it. Eight bits, because that is what the
            mask's PNG holds: the engine gets from the recipe exactly what it got the first time.
        hint: words that steer its sound.
        negative_hint: words for what it must not sound like.
        words: what a captioner said of its sound before.
    """

    name: str
    kind: TakeKind
    selection: Selection
    coverage: Coverage
    hint: str | None = None
    negative_hint: str | None = None
    words: str | None = None

    @property
    def probability(self) -> FloatMask:
        """float32[H, W] in 0..1, as the engine takes it."""
        return self.coverage.astype(np.float32) / np.float32(255)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """bool[H, W], at least half."""
        return self.coverage >= 128


def check_prompts(specs: Sequence[ObjectSpec], *, width: int, height: int) -> None:
    """Refuse clicks and boxes that lie outside the image, before the slow part starts.

    Raises:
        EngineError: naming the object.
    """
    for spec in specs:
        if spec.selection.how in ("clicks", "box"):
            with _named(spec.name):
                check_prompt(prompt_of(spec.selection), width=width, height=height)


def file_masks(
    specs: Sequence[ObjectSpec],
    *,
    width: int,
    height: int,
    image_name: str = "",
    orientation: int = 1,
    notes: list[str] | None = None,
) -> dict[str, Coverage]:
    """Masks of the objects that come from files, by name.

    Args:
        width: of the image in pixels; height likewise.
        image_name: of the image's file, for annotations of several images.
        orientation: how the image was turned upright (see `LoadedImage`).
        notes: takes what was left out, turned or assumed, one sentence each.

    Raises:
        EngineError: naming the object, the file and the remedy.
    """
    return {
        spec.name: mask_from_file(
            spec, width=width, height=height, image_name=image_name, orientation=orientation, notes=notes
        )
        for spec in specs
        if spec.selection.how == "mask_file"
    }


def mask_from_file(
    spec: ObjectSpec,
    *,
    width: int,
    height: int,
    image_name: str = "",
    orientation: int = 1,
    notes: list[str] | None = None,
) -> Coverage:
    """The mask that a file holds for an object, uint8[height, width]; arguments as `file_masks`.

    Raises:
        EngineError: naming the object, the file and the remedy.
    """
    with _named(spec.name):
        path, part = split_mask_reference(spec.selection.mask_file or "")
        mask = read_one_mask(
            path,
            part=part,
            wanted_name=spec.name,
            image_size=(width, height),
            image_name=image_name,
            orientation=orientation,
            notes=notes,
        )
    return np.where(mask, 255, 0).astype(np.uint8)


def prompted_masks(
    specs: Sequence[ObjectSpec],
    *,
    image: RgbImage,
    segmenter: Segmenter,
    open_prompter: Callable[[], Prompter],
    cancel: CancelToken | None = None,
) -> dict[str, Coverage]:
    """Masks by the segmenter for objects that are selected by clicks, a box or words, by name.

    Args:
        open_prompter: gives what finds things by words; called where an object is selected so.

    Raises:
        EngineError: nothing found where an object should be; names it.
        Cancelled: through `cancel`, between objects.
    """
    encoded = segmenter.encode(image)
    found = {}
    for spec in specs:
        if cancel is not None:
            cancel.raise_if_cancelled()
        with _named(spec.name):
            if spec.selection.words is not None:
                said = find_said(
                    encoded, spec.selection.words, prompter=open_prompter(), segmenter=segmenter, cancel=cancel
                )
                found[spec.name] = quantise_probability(said.probability)
                continue
            candidates = segmenter.predict(encoded, prompt_of(spec.selection))
        chosen = index_of_scale(scales_of(candidates), spec.selection.candidate)
        found[spec.name] = quantise_probability(candidates[chosen].probability)
    return found


def with_blend_and_ambience(
    objects: Sequence[SoundingObject], *, size: tuple[int, int], blend: bool, ambience: bool
) -> tuple[SoundingObject, ...]:
    """The objects, then all of them as one sound and the rest of the scene, where asked for.

    Without objects the ambience is the whole image as one sound (figure 6 of the paper).

    Args:
        size: (width, height) of the image in pixels.
    """
    every = list(objects)
    empty = np.zeros((size[1], size[0]), dtype=np.uint8)
    united = np.maximum.reduce([empty, *(entry.coverage for entry in objects)])
    if blend:
        every.append(SoundingObject(name=BLEND_NAME, kind="blend", selection=Selection(how="union"), coverage=united))
    if ambience:
        every.append(ambience_of(united))
    return tuple(every)


def ambience_of(united: Coverage) -> SoundingObject:
    """The rest of the scene: the complement of all objects, or the whole image where there are none or hardly any
    rest is left.
    """
    rest = 255 - united
    if united.any() and np.mean(rest >= 128) >= _SMALLEST_REST:
        return SoundingObject(name=AMBIENCE_NAME, kind="ambience", selection=Selection(how="complement"), coverage=rest)
    whole = np.full_like(united, 255)
    return SoundingObject(name=AMBIENCE_NAME, kind="ambience", selection=Selection(how="whole"), coverage=whole)


def prompt_of(selection: Selection) -> Prompt:
    """What the segmenter is asked."""
    box = selection.box
    return Prompt(
        # The middle of the pixel that was clicked.
        points=tuple((click.x + 0.5, click.y + 0.5) for click in selection.clicks),
        labels=tuple(click.positive for click in selection.clicks),
        box=None if box is None else (float(box.left), float(box.top), float(box.right), float(box.bottom)),
    )


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Inside the block, errors become EngineErrors that name the object."""
    try:
        yield
    except (EngineError, ValueError, OSError) as error:
        raise EngineError(f"{name!r}: {error}") from error
