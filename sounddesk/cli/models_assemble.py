"""`sounddesk models assemble`: published parts and a grounding to a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.console import Console
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.paper_bundles import AUDIOLDM_IDS
from sounddesk.engine.bundles.paper_bundles import AssemblySettings
from sounddesk.engine.bundles.paper_bundles import assemble_installed
from sounddesk.engine.bundles.paper_bundles import random_bundle
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import size_text


def configure_assemble(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk models assemble`."""
    parser.add_argument("name", choices=tuple(AUDIOLDM_IDS), help="which size of AudioLDM")
    parser.add_argument(
        "--grounding", type=file_path, metavar="FOLDER", help="a trained grounding, or a bundle that has one"
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
    parser.add_argument("--features", choices=("projected", "hidden"), default="projected", help="CLIP's patch vectors")
    parser.add_argument(
        "--weights", choices=("float32", "float16"), default="float32", help="float16 takes half the room"
    )
    parser.add_argument("--random-weights", action="store_true", help="noise at full size, to try every stage")
    parser.add_argument("--out", type=file_path, metavar="FOLDER", help="default: where installed bundles are")
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    add_output_arguments(parser)


def assemble(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    """Carry out `sounddesk models assemble`."""
    try:
        if options.random_weights:
            if options.out is None:
                raise BadInputError("--random-weights makes several gigabytes of noise: say where to with --out FOLDER")
            bundle = random_bundle(options.name, options.out)
        else:
            bundle = assemble_installed(
                options.name,
                settings=AssemblySettings(
                    grounding=options.grounding,
                    heads=options.heads,
                    inject=options.inject,
                    features=options.features,
                    weight_storage=options.weights,
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
    if options.grounding is None:
        console.say("its grounding is fresh: what is heard does not follow the image before it is trained")
    return {"bundle": bundle.name, "folder": str(folder), "bytes": bundle.n_bytes}
