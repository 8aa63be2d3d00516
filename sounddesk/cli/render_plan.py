"""What one render will make: the scene, the seed of every take, and with what; from options or from a recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

from sounddesk.cli.recording_arguments import RecordingOptions
from sounddesk.cli.render_arguments import RecipeOptions
from sounddesk.cli.render_arguments import RenderOptions
from sounddesk.cli.scene_from_specs import Scene
from sounddesk.cli.scene_from_specs import bad_input
from sounddesk.cli.scene_from_specs import build_scene
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.mask import mask_sha256
from sounddesk.domain.render_recipe import RecipeObject
from sounddesk.domain.render_recipe import RenderRecipe
from sounddesk.domain.seeds import take_seed
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_reference import recorded_name
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.bundles.installed_bundles import find_recorded
from sounddesk.engine.generation.variation_types import check_source
from sounddesk.engine.images.scene_objects import Coverage
from sounddesk.engine.images.scene_objects import SoundingObject
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import SamplingSettings
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.path_text import path_of
from sounddesk.storage.render_recipe_file import recipe_from_text

_LARGEST_RECIPE_BYTES: Final = 64 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Gains:
    """Gains of a render that is made again, in dB: of each object by name, and common to all."""

    of_object_db: Mapping[str, float]
    suggested_db: Mapping[str, float]
    common_db: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderPlan:
    """Everything that decides the samples.

    Attributes:
        seeds: one per take, by object name.
        grounding: whether takes follow the objects themselves or words for them.
        bundle_name: of the bundle, as the recipe says it.
        balance: True applies the suggested gains, None only reports them, False does not look for them.
        gains: settled already, when a recipe is made again.
        recordings: what of real recordings the takes are made of.
    """

    scene: Scene
    seeds: Mapping[str, tuple[int, ...]]
    seed: int
    seconds: float
    takes: int
    sampling: SamplingSettings
    bundle: Bundle
    bundle_name: str
    device: str
    grounding: GroundingMode = "object"
    balance: bool | None = None
    gains: Gains | None = None
    recordings: RecordingOptions = field(default_factory=RecordingOptions)


def plan_from_options(options: RenderOptions, *, tell: Callable[[str], None], cancel: CancelToken) -> RenderPlan:
    """The plan of a new render.

    Raises:
        BadInputError: image, masks, clicks or bundle cannot be used.
        Cancelled: through `cancel`.
    """
    with bad_input():
        bundle = find_bundle(options.bundle)
    seconds = options.seconds if options.recordings.source is None else _seconds_of(options.recordings)
    scene = build_scene(options, tell=tell, cancel=cancel)
    seeds = {
        entry.name: tuple(take_seed(options.seed, name=entry.name, take=take) for take in range(options.takes))
        for entry in scene.objects
    }
    return RenderPlan(
        scene=scene,
        seeds=seeds,
        seed=options.seed,
        seconds=seconds,
        takes=options.takes,
        sampling=options.sampling,
        bundle=bundle,
        bundle_name=recorded_name(bundle, asked_for=options.bundle),
        device=options.device,
        grounding=options.grounding,
        balance=options.balance,
        recordings=options.recordings,
    )


def _seconds_of(recordings: RecordingOptions) -> float:
    """Length of takes that begin from a sound. Raises: BadInputError, it cannot be used, or lasts too long or short."""
    from sounddesk.audio.files.sound_stream import SoundStream

    assert recordings.source is not None
    with SoundStream(recordings.source) as stream:
        seconds = stream.format.seconds
    with bad_input(str(recordings.source)):
        check_source(seconds, recordings.edit)
        check_seconds(seconds + recordings.edit.added_s)
    return seconds + recordings.edit.added_s


def plan_from_recipe(options: RecipeOptions) -> RenderPlan:
    """The plan of a render that is made again; image, masks and bundle must be the ones of then.

    Raises:
        BadInputError: the recipe is damaged, or something it names is missing or another one than then.
    """
    recipe = _read_recipe(options.recipe)
    if recipe.made_of_recordings is not None:
        raise BadInputError(
            f"recipe {options.recipe} is of takes made of recordings, which it does not hold: render the image with "
            "--from-library or --from again"
        )
    folder = options.recipe.absolute().parent
    with bad_input():
        bundle = _bundle_of(recipe, asked_for=options.bundle)
    if recipe.bundle.sha256 not in (None, bundle.sha256):
        raise BadInputError(
            f"bundle {bundle.name!r} in {bundle.folder} is not the one of the recipe: "
            "install the version it was made with, or name its folder with --bundle"
        )
    return RenderPlan(
        scene=_scene_of(recipe, folder=folder, image_path=options.image),
        seeds={entry.name: entry.seeds for entry in recipe.objects},
        seed=recipe.seed,
        seconds=recipe.seconds,
        takes=recipe.takes,
        sampling=SamplingSettings(
            preset=recipe.sampling.preset,
            steps=recipe.sampling.steps,
            guidance=recipe.sampling.guidance,
            eta=recipe.sampling.eta,
        ),
        bundle=bundle,
        bundle_name=recorded_name(bundle, asked_for=options.bundle or recipe.bundle.name),
        device=options.device,
        grounding=recipe.grounding,
        gains=Gains(
            of_object_db={entry.name: entry.gain_db for entry in recipe.objects},
            suggested_db={
                entry.name: entry.suggested_gain_db for entry in recipe.objects if entry.suggested_gain_db is not None
            },
            common_db=recipe.common_gain_db,
        ),
    )


def _bundle_of(recipe: RenderRecipe, *, asked_for: str | None) -> Bundle:
    """The bundle that was asked for, else the recipe's: by its name, or wherever one of its hash is known to be.

    Raises:
        BundleError: there is none.
    """
    if asked_for is not None:
        return find_bundle(asked_for)
    sha256 = recipe.bundle.sha256
    try:
        # Older recipes name a folder.
        bundle = find_bundle(recipe.bundle.name)
    except BundleError:
        if sha256 is None:
            raise
        return find_recorded(Path(recipe.bundle.name).name, sha256)
    if sha256 is not None and bundle.sha256 != sha256:
        with contextlib.suppress(BundleError):
            return find_recorded(bundle.name, sha256)
    return bundle


def _read_recipe(path: Path) -> RenderRecipe:
    try:
        with open_foreign_file(path) as file:
            data = file.read(_LARGEST_RECIPE_BYTES + 1)
        if len(data) > _LARGEST_RECIPE_BYTES:
            raise BadInputError(f"recipe {path} has more than 64 MiB: name a recipe.json of sounddesk")
        text = data.decode("utf-8")
    except OSError as error:
        raise BadInputError(f"recipe {path} cannot be read ({error.strerror}): name a recipe.json") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"recipe {path} is not text: name a recipe.json of sounddesk") from error
    with bad_input(f"recipe {path}"):
        return recipe_from_text(text)


def _scene_of(recipe: RenderRecipe, *, folder: Path, image_path: Path | None) -> Scene:
    from sounddesk.engine.images.image_file import load_image

    path = image_path or _locate(recipe.image.path, folder=folder)
    if not path.exists():
        raise BadInputError(f"image {path} is not there: name the image of the recipe, sounddesk render IMAGE ...")
    with bad_input():
        image = load_image(path)
    if image.sha256 != recipe.image.sha256:
        raise BadInputError(
            f"image {path} is not the one of the recipe: name the right one, sounddesk render IMAGE ..."
        )
    objects = tuple(
        SoundingObject(
            name=entry.name,
            kind=entry.kind,
            selection=entry.selection,
            coverage=_read_mask(entry, folder=folder, shape=(image.height, image.width)),
            hint=entry.hint,
            words=entry.words,
        )
        for entry in recipe.objects
    )
    return Scene(image=image, image_path=path, objects=objects, segmenter=recipe.segmenter, notes=image.notes)


def _locate(written: str, *, folder: Path) -> Path:
    """The image beside the recipe where its path is relative; an absolute path as it is."""
    path = path_of(written)
    return path if path.is_absolute() else folder / path


def _read_mask(entry: RecipeObject, *, folder: Path, shape: tuple[int, int]) -> Coverage:
    from sounddesk.engine.images.mask_file import load_saved_coverage
    from sounddesk.engine.images.picture_decoding import ImageFileError

    path = folder / entry.mask.name
    try:
        coverage = load_saved_coverage(path)
    except ImageFileError as error:
        raise BadInputError(f"mask {path} of {entry.name!r} cannot be read: keep it beside the recipe") from error
    if coverage.shape != shape:
        raise BadInputError(f"mask {path} is {coverage.shape[1]} x {coverage.shape[0]} pixels, the image is not")
    if entry.mask.sha256 not in (None, mask_sha256(coverage >= 128)):
        raise BadInputError(f"mask {path} of {entry.name!r} was changed: render with --mask {entry.name}@FILE instead")
    return coverage
