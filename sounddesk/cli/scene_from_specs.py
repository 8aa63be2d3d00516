"""From an image file and named selections to the objects that will sound, each with its mask."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.cli.exit_codes import BadInputError
from sounddesk.cli.object_specs import ObjectSpec
from sounddesk.cli.render_arguments import AMBIENCE_NAME
from sounddesk.cli.render_arguments import BLEND_NAME
from sounddesk.cli.render_arguments import RenderOptions
from sounddesk.domain.mask import bounding_box
from sounddesk.domain.recipe import FileReference
from sounddesk.domain.selection import Selection
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import EngineError
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import TakeKind

if TYPE_CHECKING:
    from sounddesk.engine.image_file import LoadedImage
    from sounddesk.engine.segmenters.protocol import Prompt

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
    """

    name: str
    kind: TakeKind
    selection: Selection
    coverage: Coverage
    hint: str | None = None

    @property
    def probability(self) -> FloatMask:
        """float32[H, W] in 0..1, as the engine takes it."""
        return self.coverage.astype(np.float32) / np.float32(255)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """bool[H, W], at least half."""
        return self.coverage >= 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """An image and what sounds in it: the objects first, then blend and ambience where asked for.

    Attributes:
        segmenter: which segmenter answered, None where every mask came from a file.
        notes: what the user should know.
    """

    image: LoadedImage
    image_path: Path
    objects: tuple[SoundingObject, ...]
    segmenter: FileReference | None = None
    notes: tuple[str, ...] = ()


@contextmanager
def bad_input(what: str = "") -> Iterator[None]:
    """Inside the block, what the engine or the file system refuses is the input's fault: BadInputError.

    Args:
        what: put before the message, e.g. the object's name.
    """
    try:
        yield
    except (EngineError, ValueError, OSError) as error:
        raise BadInputError(f"{what}: {error}" if what else str(error)) from error


@dataclass(frozen=True, kw_only=True, eq=False)
class _Selected:
    """Objects with their masks, and which segmenter answered."""

    specs: tuple[ObjectSpec, ...]
    coverages: dict[str, Coverage]
    segmenter: FileReference | None = None
    notes: tuple[str, ...] = ()


def build_scene(options: RenderOptions, *, tell: Callable[[str], None], cancel: CancelToken) -> Scene:
    """Open the image and the masks, and ask the segmenter for the rest.

    Raises:
        BadInputError: a file, click, box or mask that cannot be used.
        Cancelled: through `cancel`.
    """
    from sounddesk.engine.image_file import load_image

    with bad_input():
        image = load_image(options.image)
    for note in image.notes:
        tell(note)
    # All prompts are checked before the slow part starts.
    _check_prompts(options.specs, image=image)
    coverages = {
        spec.name: _mask_from_file(spec, image=image) for spec in options.specs if spec.selection.how == "mask_file"
    }
    selected = _Selected(specs=options.specs, coverages=coverages)
    if options.auto or len(coverages) < len(options.specs):
        selected = _ask_segmenter(options, image=image, coverages=coverages, tell=tell, cancel=cancel)
    objects = [
        SoundingObject(
            name=spec.name,
            kind="object",
            selection=spec.selection,
            coverage=selected.coverages[spec.name],
            hint=options.hints.get(spec.name),
        )
        for spec in selected.specs
    ]
    united = np.maximum.reduce([entry.coverage for entry in objects])
    if options.blend:
        objects.append(SoundingObject(name=BLEND_NAME, kind="blend", selection=Selection(how="union"), coverage=united))
    if options.ambience:
        objects.append(ambience(united))
    return Scene(
        image=image,
        image_path=options.image,
        objects=tuple(objects),
        segmenter=selected.segmenter,
        notes=(*image.notes, *selected.notes),
    )


def _ask_segmenter(
    options: RenderOptions,
    *,
    image: LoadedImage,
    coverages: dict[str, Coverage],
    tell: Callable[[str], None],
    cancel: CancelToken,
) -> _Selected:
    """Masks of the objects that have none in `coverages`, or of proposed objects where none is named."""
    from sounddesk.engine.device import choose_device
    from sounddesk.engine.segmenters.choice import choose_segmenter
    from sounddesk.engine.segmenters.proposals import propose_objects

    with bad_input():
        device = str(choose_device(options.device).device)
        choice = choose_segmenter(checkpoint=options.sam, device=device)
    notes = (choice.notice, *choice.notes)
    # Told before the masks are made, so that nobody judges SAM by another segmenter's.
    for note in notes:
        tell(note)
    cancel.raise_if_cancelled()
    segmenter = FileReference(name=choice.segmenter.name, sha256=None)
    if options.auto:
        with bad_input("--auto"):
            proposals = propose_objects(image.pixels, segmenter=choice.segmenter)
        specs = tuple(
            ObjectSpec(name=f"object {number}", selection=Selection(how="auto", box=bounding_box(candidate.mask)))
            for number, candidate in enumerate(proposals, start=1)
        )
        found = {spec.name: _coverage(each.probability) for spec, each in zip(specs, proposals, strict=True)}
        return _Selected(specs=specs, coverages=found, segmenter=segmenter, notes=notes)
    encoded = choice.segmenter.encode(image.pixels)
    found = dict(coverages)
    for spec in options.specs:
        if spec.name not in found:
            cancel.raise_if_cancelled()
            with bad_input(repr(spec.name)):
                candidates = choice.segmenter.predict(encoded, _prompt(spec.selection))
            found[spec.name] = _coverage(candidates[0].probability)
    return _Selected(specs=options.specs, coverages=found, segmenter=segmenter, notes=notes)


def ambience(united: Coverage) -> SoundingObject:
    """The rest of the scene: the complement of all objects, or the whole image where hardly any is left."""
    rest = 255 - united
    if np.mean(rest >= 128) >= _SMALLEST_REST:
        return SoundingObject(name=AMBIENCE_NAME, kind="ambience", selection=Selection(how="complement"), coverage=rest)
    whole = np.full_like(united, 255)
    return SoundingObject(name=AMBIENCE_NAME, kind="ambience", selection=Selection(how="whole"), coverage=whole)


def _check_prompts(specs: tuple[ObjectSpec, ...], *, image: LoadedImage) -> None:
    from sounddesk.engine.segmenters.protocol import check_prompt

    for spec in specs:
        if spec.selection.how != "mask_file":
            with bad_input(repr(spec.name)):
                check_prompt(_prompt(spec.selection), width=image.width, height=image.height)


def _mask_from_file(spec: ObjectSpec, *, image: LoadedImage) -> Coverage:
    from sounddesk.engine.image_file import load_mask

    with bad_input(repr(spec.name)):
        mask = load_mask(spec.selection.mask_file or "", image_size=(image.width, image.height))
    return np.where(mask, 255, 0).astype(np.uint8)


def _prompt(selection: Selection) -> Prompt:
    from sounddesk.engine.segmenters.protocol import Prompt

    box = selection.box
    return Prompt(
        # The middle of the pixel that was clicked.
        points=tuple((click.x + 0.5, click.y + 0.5) for click in selection.clicks),
        labels=tuple(click.positive for click in selection.clicks),
        box=None if box is None else (float(box.left), float(box.top), float(box.right), float(box.bottom)),
    )


def _coverage(probability: FloatMask) -> Coverage:
    return np.rint(probability * 255).clip(0, 255).astype(np.uint8)
