"""From an image file and named selections to the objects that will sound, each with its mask."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.cli.render_arguments import RenderOptions
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.render_recipe import FileReference
from sounddesk.domain.selection import ObjectSpec
from sounddesk.engine.tasks import CancelToken

if TYPE_CHECKING:
    from sounddesk.engine.images.image_file import LoadedImage
    from sounddesk.engine.images.scene_objects import Coverage
    from sounddesk.engine.images.scene_objects import SoundingObject


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
    """Translate errors of the engine and the file system inside the block into BadInputError.

    Args:
        what: put before the message, e.g. the object's name.
    """
    try:
        yield
    except (EngineError, ValueError, OSError) as error:
        raise BadInputError(f"{what}: {error}" if what else str(error)) from error


@dataclass(frozen=True, kw_only=True, eq=False)
class _Selected:
    """Objects with their masks, which segmenter answered, and prompts by what objects were recognised as."""

    specs: tuple[ObjectSpec, ...]
    coverages: dict[str, Coverage]
    segmenter: FileReference | None = None
    notes: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)


def build_scene(options: RenderOptions, *, tell: Callable[[str], None], cancel: CancelToken) -> Scene:
    """Open the image and the masks, and ask the segmenter for the rest.

    Raises:
        BadInputError: a file, click, box or mask that cannot be used.
        Cancelled: through `cancel`.
    """
    from sounddesk.engine.images.image_file import load_image
    from sounddesk.engine.images.scene_objects import SoundingObject
    from sounddesk.engine.images.scene_objects import check_prompts
    from sounddesk.engine.images.scene_objects import file_masks
    from sounddesk.engine.images.scene_objects import with_blend_and_ambience

    with bad_input():
        image = load_image(options.image)
    for note in image.notes:
        tell(note)
    # All prompts are checked before the slow part starts.
    with bad_input():
        check_prompts(options.specs, width=image.width, height=image.height)
        told: list[str] = []
        coverages = file_masks(
            options.specs,
            width=image.width,
            height=image.height,
            image_name=image.name,
            orientation=image.orientation,
            notes=told,
        )
    for note in told:
        tell(note)
    selected = _Selected(specs=options.specs, coverages=coverages, notes=tuple(told))
    if options.auto or len(coverages) < len(options.specs):
        asked = _ask_segmenter(options, image=image, coverages=coverages, tell=tell, cancel=cancel)
        selected = replace(asked, notes=(*told, *asked.notes))
    objects = [
        SoundingObject(
            name=spec.name,
            kind="object",
            selection=spec.selection,
            coverage=selected.coverages[spec.name],
            hint=options.hints.get(spec.name) or selected.prompts.get(spec.name),
        )
        for spec in selected.specs
    ]
    return Scene(
        image=image,
        image_path=options.image,
        objects=with_blend_and_ambience(
            objects, size=(image.width, image.height), blend=options.blend, ambience=options.ambience
        ),
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
    from sounddesk.engine.bundles.installed_bundles import find_bundle
    from sounddesk.engine.device import choose_device
    from sounddesk.engine.images.scene_objects import prompted_masks
    from sounddesk.engine.images.suggested_objects import suggested_objects
    from sounddesk.engine.prompters.choice import open_prompter
    from sounddesk.engine.segmenters.choice import choose_segmenter
    from sounddesk.engine.starter.recogniser import open_recogniser

    with bad_input():
        device = str(choose_device(options.device).device)
        choice = choose_segmenter(checkpoint=options.sam, device=device, bundle=options.bundle)
    notes = (choice.notice, *choice.notes)
    # Told before the masks are made, so that nobody judges SAM by another segmenter's.
    for note in notes:
        tell(note)
    cancel.raise_if_cancelled()
    segmenter = FileReference(name=choice.segmenter.name, sha256=None)
    if options.auto:
        with bad_input("--auto"):
            recogniser = open_recogniser(options.bundle)
            suggested = suggested_objects(image.pixels, segmenter=choice.proposer, recogniser=recogniser, cancel=cancel)
            text_only = find_bundle(options.bundle).text_engine is not None
        for each in suggested:
            tell(each.line())
        return _Selected(
            specs=tuple(each.spec for each in suggested),
            coverages={each.spec.name: each.coverage for each in suggested},
            segmenter=segmenter,
            notes=(*notes, *(each.line() for each in suggested)),
            # An image bundle sees the object itself.
            prompts={each.spec.name: each.guess.prompt for each in suggested if text_only and each.guess is not None},
        )
    asked = [spec for spec in options.specs if spec.name not in coverages]
    with bad_input():
        found = prompted_masks(
            asked,
            image=image.pixels,
            segmenter=choice.segmenter,
            open_prompter=cache(lambda: open_prompter(options.bundle, device=device)),
            cancel=cancel,
        )
    return _Selected(specs=options.specs, coverages={**coverages, **found}, segmenter=segmenter, notes=notes)
