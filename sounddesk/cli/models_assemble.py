"""`sounddesk models assemble`: published parts and a grounding to a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from typing import Literal

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.console import Console
from sounddesk.cli.models_self_test import report_self_test
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.picture_suffixes import PICTURE_SUFFIXES
from sounddesk.engine.bundles.paper_bundles import AUDIOLDM_IDS
from sounddesk.engine.bundles.paper_bundles import AssemblySettings
from sounddesk.engine.bundles.paper_bundles import assemble_installed
from sounddesk.engine.bundles.paper_bundles import random_bundle
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import size_text
from sounddesk.engine.types import RgbImage
from sounddesk.engine.vocabulary import FROM_TEXTS


def configure_assemble(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk models assemble`."""
    parser.add_argument("name", choices=tuple(AUDIOLDM_IDS), help="which size of AudioLDM")
    parser.add_argument(
        "--grounding",
        metavar="FOLDER|texts|fresh",
        help="a trained grounding or a bundle that has one; 'texts' fits one on words in minutes, without training; "
        "'fresh' is for training: with it sounds do not follow the image (default: texts; with --random-weights fresh)",
    )
    parser.add_argument(
        "--pictures",
        type=file_path,
        metavar="FOLDER",
        help="photographs of your own, by which 'texts' knows CLIP's images better (twenty or more)",
    )
    parser.add_argument("--audioldm", type=file_path, metavar="FOLDER", help="instead of the installed model")
    parser.add_argument("--clip", type=file_path, metavar="FOLDER", help="instead of the installed model")
    parser.add_argument(
        "--heads",
        choices=("config", "original"),
        default="config",
        help="head counts of the U-Net: as published on the hub, or as in AudioLDM's own code (default: config)",
    )
    parser.add_argument("--inject", choices=("both", "film", "cross"), default="both", help="where the condition goes")
    parser.add_argument(
        "--features",
        choices=("projected", "hidden", "values"),
        help="CLIP's patch vectors (default: values for a grounding of texts, else projected)",
    )
    parser.add_argument(
        "--weights", choices=("float32", "float16"), default="float32", help="float16 takes half the room"
    )
    parser.add_argument("--random-weights", action="store_true", help="noise at full size, to try every stage")
    parser.add_argument("--out", type=file_path, metavar="FOLDER", help="default: where installed bundles are")
    parser.add_argument("--no-test", action="store_true", help="leave out the self-test, which renders two seconds")
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    add_output_arguments(parser)


def assemble(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    """Carry out `sounddesk models assemble`."""
    grounding = _grounding(options)
    pictures = _pictures(options) if grounding == FROM_TEXTS else ()
    try:
        if options.random_weights:
            if options.out is None:
                raise BadInputError("--random-weights makes several gigabytes of noise: say where to with --out FOLDER")
            if isinstance(grounding, Path):
                raise BadInputError("--random-weights takes no trained grounding: give --grounding texts or fresh")
            bundle = random_bundle(
                options.name,
                options.out,
                grounding=grounding,
                pictures=pictures,
                on_progress=console.progress,
                cancel=cancel,
            )
        else:
            bundle = assemble_installed(
                options.name,
                settings=AssemblySettings(
                    grounding=grounding,
                    heads=options.heads,
                    inject=options.inject,
                    features=options.features,
                    weight_storage=options.weights,
                    pictures=pictures,
                ),
                target=options.out,
                audioldm=options.audioldm,
                clip=options.clip,
                overwrite=options.overwrite,
                on_progress=console.progress,
                cancel=cancel,
            )
    except FileExistsError as error:
        raise BadInputError(f"there is a bundle {options.name!r} already: add --overwrite, or --out FOLDER") from error
    folder: Path = bundle.folder
    console.say(f"bundle {bundle.name}, {size_text(bundle.n_bytes)}, in {folder}")
    if grounding is None:
        console.say("its grounding is fresh: what is heard does not follow the image before it is trained")
    elif grounding == FROM_TEXTS:
        console.say("its grounding is fitted on words, not trained on sound: card.md says how well it finds them")
    document: dict[str, Any] = {"bundle": bundle.name, "folder": str(folder), "bytes": bundle.n_bytes}
    if not (options.no_test or options.random_weights):
        document |= report_self_test(str(folder), device="auto", console=console, cancel=cancel)
    return document


def _grounding(options: argparse.Namespace) -> Path | Literal["texts"] | None:
    given = options.grounding
    if given is None:
        return None if options.random_weights else FROM_TEXTS
    if given == "fresh":
        return None
    return FROM_TEXTS if given == FROM_TEXTS else file_path(given)


def _pictures(options: argparse.Namespace) -> tuple[RgbImage, ...]:
    from sounddesk.engine.images.reference_pictures import read_reference_pictures

    if options.pictures is None:
        return read_reference_pictures()
    try:
        found = sorted(path for path in options.pictures.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    except OSError as error:
        raise BadInputError(f"{options.pictures} is not a folder of pictures: {error}") from error
    if not found:
        raise BadInputError(f"{options.pictures} holds no picture: name a folder with photographs")
    return read_reference_pictures(found)
