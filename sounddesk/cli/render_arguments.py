"""The arguments of `sounddesk render`, checked as far as that goes without opening a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.cli.common_arguments import DEFAULT_BUNDLE
from sounddesk.cli.common_arguments import add_device_argument
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import filled_text
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.object_specs import BOX_HELP
from sounddesk.cli.object_specs import MASK_HELP
from sounddesk.cli.object_specs import POINTS_HELP
from sounddesk.cli.object_specs import SAY_HELP
from sounddesk.cli.object_specs import parse_box
from sounddesk.cli.object_specs import parse_hint
from sounddesk.cli.object_specs import parse_mask
from sounddesk.cli.object_specs import parse_points
from sounddesk.cli.object_specs import parse_said
from sounddesk.cli.recording_arguments import RecordingOptions
from sounddesk.cli.recording_arguments import add_recording_arguments
from sounddesk.cli.recording_arguments import read_recording_options
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.grounding_mode import GROUNDING_MODES
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.preset import PRESETS
from sounddesk.domain.scene import AMBIENCE_NAME
from sounddesk.domain.scene import BLEND_NAME
from sounddesk.domain.scene import check_unique_names
from sounddesk.domain.seeds import check_seed
from sounddesk.domain.selection import SCALES
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Scale
from sounddesk.engine.segmenters.registry import checkpoint_help
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.types import SamplingSettings

MAX_TAKES: Final = 100
DEFAULT_SECONDS: Final = 10.0

# Options that say what to make; with --recipe the recipe says it.
_SETTLED_BY_RECIPE: Final = {
    "points": "--object",
    "boxes": "--box",
    "masks": "--mask",
    "said": "--say",
    "hints": "--hint",
    "candidate": "--candidate",
    "auto": "--auto",
    "blend": "--blend",
    "ambience": "--ambience",
    "balance": "--balance",
    "seconds": "--seconds",
    "takes": "--takes",
    "seed": "--seed",
    "preset": "--preset",
    "steps": "--steps",
    "guidance": "--guidance",
    "grounding": "--grounding",
    "sam": "--sam",
    "random_weights": "--random-weights",
    "from_library": "--from-library",
    "source": "--from",
    "strength": "--strength",
    "regenerate": "--regenerate",
}


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """What the user asked for.

    Attributes:
        image: the still.
        specs: named objects, in the order --object, --box, --mask, --say; empty with `auto`.
        hints: words by object name.
        balance: True applies the suggested gains, None only writes them into the recipe, False leaves them out.
        grounding: whether takes follow the objects themselves or words for them.
        bundle: name or folder.
        recordings: what of real recordings the takes are made of, or begin from.
        random_weights: a dry run at full size, whose sounds mean nothing.
        out: where the result goes.
    """

    image: Path
    specs: tuple[ObjectSpec, ...]
    hints: dict[str, str] = field(default_factory=dict)
    auto: bool = False
    blend: bool = False
    ambience: bool = False
    balance: bool | None = None
    seconds: float = DEFAULT_SECONDS
    takes: int = 1
    seed: int = 0
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    grounding: GroundingMode = "object"
    bundle: str = DEFAULT_BUNDLE
    random_weights: bool = False
    device: str = "auto"
    sam: Path | None = None
    out: Path
    recordings: RecordingOptions = field(default_factory=RecordingOptions)


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """A render to make again.

    Attributes:
        recipe: a `recipe.json`.
        image: where the image is now; None looks where the recipe says.
        bundle: where the recipe's bundle is now; None looks for its name.
        out: where the result goes.
    """

    recipe: Path
    image: Path | None
    bundle: str | None
    device: str
    out: Path


def configure_render(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk render`; defaults stay None where --recipe must see what was given."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "image",
        type=file_path,
        nargs="?",
        metavar="IMAGE",
        help="PNG, JPEG, TIFF, WebP, BMP, GIF, AVIF; EXR and DPX by the extra 'film'",
    )

    add_selection_arguments(parser.add_argument_group("which objects sound"))
    sound = parser.add_argument_group("the sound")
    add_sound_arguments(sound)
    add_recording_arguments(parser.add_argument_group("real recordings"))
    sound.add_argument(
        "--balance",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="apply the gains that make the stems add up like the blend (makes the blend too); "
        "left out, --blend only suggests them in recipe.json",
    )

    where = parser.add_argument_group("with what, and where to")
    where.add_argument("--bundle", type=filled_text, metavar="NAME|FOLDER", help="the model (default: starter)")
    where.add_argument(
        "--random-weights",
        action="store_true",
        default=None,
        help="a dry run of the bundle paper-s, paper-m or paper-l at full size, without its weights: noise",
    )
    add_device_argument(where)
    where.add_argument("--out", type=file_path, metavar="FOLDER", help="result (default: IMAGE's name with '-sounds')")
    where.add_argument("--recipe", type=file_path, metavar="FILE", help="make a render again from its recipe.json")
    add_output_arguments(parser)


def add_selection_arguments(selection: argparse._ActionsContainer) -> None:
    """--object, --box, --mask, --say, --hint, --candidate, --auto, --blend, --ambience and --sam."""
    for flag, dest, metavar, text in (
        ("--object", "points", POINTS_HELP, "an object by clicks; -X,Y takes a place away"),
        ("--box", "boxes", BOX_HELP, "an object by a box around it, corrected by clicks"),
        (
            "--mask",
            "masks",
            MASK_HELP,
            "an object by a picture bright (or opaque) there, or labelme, COCO, VIA, CVAT",
        ),
        ("--say", "said", SAY_HELP, "an object by words, e.g. 'the dog on the left'; its name is the thing's"),
        ("--hint", "hints", "NAME=WORDS", "which of its sounds is meant, e.g. car=siren"),
    ):
        selection.add_argument(flag, dest=dest, action="append", metavar=metavar, help=text)
    selection.add_argument(
        "--candidate",
        choices=SCALES,
        help="what a single click means where the segmenter sees several things (default: the likeliest)",
    )
    selection.add_argument("--auto", action="store_true", default=None, help="propose the objects")
    selection.add_argument("--blend", action="store_true", default=None, help="also all objects as one sound")
    selection.add_argument(
        "--ambience", action="store_true", default=None, help="also the rest of the scene; alone: the whole image"
    )
    selection.add_argument("--sam", type=file_path, metavar="FILE", help=f"{checkpoint_help()}, for better masks")


def add_sound_arguments(sound: argparse._ActionsContainer) -> None:
    """--seconds, --takes, --seed, --preset, --steps, --guidance and --grounding."""
    sound.add_argument("--seconds", type=number, help="length, 1 to 60 (default: 10)")
    sound.add_argument("--takes", type=whole_number, help=f"how many of each, 1 to {MAX_TAKES} (default: 1)")
    sound.add_argument("--seed", type=whole_number, help="same seed, same sound (default: 0)")
    sound.add_argument(
        "--preset",
        choices=PRESETS,
        help="fast, a draft in 4 steps, or the paper's 200 (default: fast)",
    )
    sound.add_argument("--steps", type=whole_number, help="denoising steps (default: the preset's)")
    sound.add_argument("--guidance", type=number, help="how strictly to follow the image, 1 to 20 (default: 2)")
    sound.add_argument(
        "--grounding",
        choices=GROUNDING_MODES,
        help="what sounds follow: the objects themselves, or the words of a captioner for the whole image (caption) or "
        "for each object (caption-mix), the paper's baselines (default: object)",
    )


_EPILOG: Final = """\
written to FOLDER:
  NAME.wav, NAME.take2.wav ...  one stem per object, 48 kHz, 24 bit, all of one length
  mix.wav                       the sum of the first takes
  blend.wav, ambience.wav       where asked for
  masks.png, masks/             what was selected
  spectrograms.png              what it sounds like, to look at
  recipe.json                   everything needed to make it again

examples:
  sounddesk render street.jpg --object dog@420,310 --box car@10,20,300,240 --hint car=siren
  sounddesk render street.jpg --object 'dog@420,310;400,330;-380,200' --takes 3 --seed 7
  sounddesk render street.jpg --say 'the dog on the left' --say tram
  sounddesk render street.jpg --auto
  sounddesk render street.jpg --ambience
  sounddesk render street.jpg --object dog@420,310 --from-library
  sounddesk render street.jpg --object dog@420,310 --from bark.wav --strength 0.4
  sounddesk render --recipe street-sounds/recipe.json --out again
"""


def read_options(namespace: argparse.Namespace) -> RenderOptions | RecipeOptions:
    """The parsed arguments as values.

    Raises:
        BadInputError: a value out of range, a name used twice, or options that contradict each other.
    """
    if namespace.recipe is not None:
        return _read_recipe_options(namespace)
    if namespace.image is None:
        raise BadInputError("no image is named: write sounddesk render IMAGE --object NAME@X,Y")
    return _read_render_options(namespace)


def _read_recipe_options(namespace: argparse.Namespace) -> RecipeOptions:
    given = [flag for name, flag in _SETTLED_BY_RECIPE.items() if getattr(namespace, name) is not None]
    if given:
        raise BadInputError(f"{given[0]} cannot be used with --recipe, which settles it: leave out one of them")
    return RecipeOptions(
        recipe=namespace.recipe,
        image=namespace.image,
        bundle=namespace.bundle,
        device=namespace.device,
        out=namespace.out or Path(f"{namespace.recipe.absolute().parent.name}-again"),
    )


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Which objects were named, in the order --object, --box, --mask, --say, with hints; or that some be proposed."""

    specs: tuple[ObjectSpec, ...]
    hints: dict[str, str]
    auto: bool


@dataclass(frozen=True, kw_only=True)
class SoundOptions:
    """How each sound is made."""

    seconds: float
    takes: int
    seed: int
    sampling: SamplingSettings
    grounding: GroundingMode


def read_selection(namespace: argparse.Namespace, *, blend: bool, needed: bool = True) -> SelectionOptions:
    """The objects that the arguments name.

    Args:
        namespace: what `add_selection_arguments` declared, parsed.
        blend: a blend is made too, so its name is taken.
        needed: refuse to go on without any.

    Raises:
        BadInputError: an object that is not written as it should be, a name used twice, or contradictions.
    """
    specs = [
        *_with_candidate(map(parse_points, namespace.points or ()), namespace.candidate),
        *map(parse_box, namespace.boxes or ()),
        *map(parse_mask, namespace.masks or ()),
    ]
    for text in namespace.said or ():
        specs.append(parse_said(text, taken=[spec.name for spec in specs]))
    auto = bool(namespace.auto)
    if auto and specs:
        raise BadInputError(f"--auto proposes the objects, but {specs[0].name!r} is named: leave out one of them")
    if needed and not auto and not specs and (blend or not namespace.ambience):
        raise BadInputError(
            "no object is named: add --object NAME@X,Y, --box, --mask, --say, or --auto to have some proposed; "
            "--ambience alone makes one sound of the whole image"
        )
    names = [spec.name for spec in specs]
    reserved = {BLEND_NAME: blend, AMBIENCE_NAME: namespace.ambience}
    _checked(lambda: check_unique_names([*names, *(name for name, wanted in reserved.items() if wanted)]))
    hints: dict[str, str] = {}
    if auto and namespace.hints:
        raise BadInputError("--hint needs a named object, and --auto names them itself: leave out one of them")
    for text in namespace.hints or ():
        name, words = parse_hint(text, names=names)
        if name in hints:
            raise BadInputError(f"{name!r} has two hints, {hints[name]!r} and {words!r}: leave out one of them")
        hints[name] = words
    return SelectionOptions(specs=tuple(specs), hints=hints, auto=auto)


def _with_candidate(specs: Iterable[ObjectSpec], candidate: Scale | None) -> tuple[ObjectSpec, ...]:
    """The objects, those of a single click with the candidate wanted: further clicks say what is meant."""
    found = tuple(specs)
    single = [len(each.selection.clicks) == 1 for each in found]
    if candidate is not None and not any(single):
        raise BadInputError(f"--candidate {candidate} needs an object of a single click: add --object NAME@X,Y")
    return tuple(
        replace(each, selection=replace(each.selection, candidate=candidate)) if alone else each
        for each, alone in zip(found, single, strict=True)
    )


def read_sound(namespace: argparse.Namespace) -> SoundOptions:
    """How the arguments want each sound made.

    Raises:
        BadInputError: a value out of range.
    """
    seconds = checked_seconds(DEFAULT_SECONDS if namespace.seconds is None else namespace.seconds)
    takes = 1 if namespace.takes is None else namespace.takes
    if not 1 <= takes <= MAX_TAKES:
        raise BadInputError(f"takes is {takes}: choose from 1 to {MAX_TAKES}")
    seed = 0 if namespace.seed is None else namespace.seed
    _checked(lambda: check_seed(seed))
    guidance = SamplingSettings().guidance if namespace.guidance is None else namespace.guidance
    sampling = _checked(
        lambda: SamplingSettings(preset=namespace.preset or "fast", steps=namespace.steps, guidance=guidance)
    )
    grounding: GroundingMode = namespace.grounding or "object"
    return SoundOptions(seconds=seconds, takes=takes, seed=seed, sampling=sampling, grounding=grounding)


def _read_render_options(namespace: argparse.Namespace) -> RenderOptions:
    # The balance is measured against the blend.
    blend = bool(namespace.blend or namespace.balance)
    selection = read_selection(namespace, blend=blend)
    sound = read_sound(namespace)
    return RenderOptions(
        image=namespace.image,
        specs=selection.specs,
        hints=selection.hints,
        auto=selection.auto,
        blend=blend,
        ambience=bool(namespace.ambience),
        balance=namespace.balance,
        seconds=sound.seconds,
        takes=sound.takes,
        seed=sound.seed,
        sampling=sound.sampling,
        grounding=sound.grounding,
        bundle=namespace.bundle or DEFAULT_BUNDLE,
        random_weights=bool(namespace.random_weights),
        device=namespace.device,
        sam=namespace.sam,
        out=namespace.out or Path(f"{namespace.image.stem}-sounds"),
        recordings=read_recording_options(namespace),
    )


def checked_seconds(seconds: float) -> float:
    """`seconds`, if the engine can make that.

    Raises:
        BadInputError: with the value and the remedy.
    """
    _checked(lambda: check_seconds(seconds))
    return seconds


def _checked(check: Callable[[], Any]) -> Any:
    try:
        return check()
    except ValueError as error:
        raise BadInputError(str(error)) from error
