"""`sounddesk evaluate`: the figures that anyone can repeat with pictures of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from sounddesk.cli.common_arguments import add_engine_arguments
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import BadInputError
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.cli.render_arguments import checked_seconds
from sounddesk.engine.tasks import CancelToken

_MEASURES = {
    "grounding": "does the attention of a name fall on the named object, in scenes of 4",
    "right-object": "does each object's take sound like that object, in scenes of 2 to 4",
    "segmenter": "how well do clicks and boxes select objects in crowded scenes, and how well would GrabCut",
}
_DEFAULT_SCENES = {"grounding": 200, "right-object": 50, "segmenter": 40}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk evaluate`."""
    measures = parser.add_subparsers(dest="measure", metavar="MEASURE", required=True)
    for name, summary in _MEASURES.items():
        measure = measures.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}?")
        measure.add_argument(
            "--pictures",
            type=file_path,
            required=True,
            metavar="FOLDER",
            help="holds KIND/*.png cut-outs with alpha"
            + ("" if name == "segmenter" else "; kinds that the bundle does not know are skipped and counted"),
        )
        measure.add_argument(
            "--backgrounds", type=file_path, metavar="FOLDER", help="photographs behind them (default: plain ones)"
        )
        scenes = _DEFAULT_SCENES[name]
        measure.add_argument("--scenes", type=whole_number, default=scenes, help=f"how many (default: {scenes})")
        measure.add_argument("--seed", type=whole_number, default=0, help="which scenes (default: 0)")
        add_engine_arguments(measure)
        add_output_arguments(measure)
        if name == "right-object":
            measure.add_argument("--preset", choices=("fast", "paper"), default="fast", help="default: fast")
            measure.add_argument("--seconds", type=number, default=10.0, help="length of each take (default: 10)")


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk evaluate`: one line, or one JSON document."""
    if not options.pictures.is_dir():
        raise BadInputError(f"{options.pictures} is not a folder: name one that holds KIND/*.png cut-outs with alpha")
    if options.scenes < 1:
        raise BadInputError(f"scenes is {options.scenes}: choose 1 or more")
    if options.seed < 0:
        raise BadInputError(f"seed is {options.seed}: choose 0 or more")
    arguments: dict[str, Any] = {
        "bundle": options.bundle,
        "scenes": options.scenes,
        "seed": options.seed,
        "backgrounds": options.backgrounds,
        "device": options.device,
        "progress": console.progress,
    }
    if options.measure == "right-object":
        arguments |= {"preset": options.preset, "seconds": checked_seconds(options.seconds)}
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        result = _measure(options, arguments | {"cancel": cancel})
    console.say(result.line())
    console.document(result.to_json())
    return ExitCode.OK


def _measure(options: argparse.Namespace, arguments: dict[str, Any]) -> Any:
    from sounddesk.engine.bundle import find_bundle
    from sounddesk.engine.types import EngineError

    try:
        # A wrong name or folder is the user's to correct; what comes later is the engine's.
        find_bundle(options.bundle)
    except EngineError as error:
        raise BadInputError(str(error)) from error
    from sounddesk.evaluation import grounding_accuracy
    from sounddesk.evaluation import right_object
    from sounddesk.evaluation import segmenter_accuracy
    from sounddesk.evaluation.picture_folder import PictureFolderError

    measures: dict[str, Callable[..., Any]] = {
        "grounding": grounding_accuracy.run,
        "right-object": right_object.run,
        "segmenter": segmenter_accuracy.run,
    }
    try:
        return measures[options.measure](options.pictures, **arguments)
    except PictureFolderError as error:
        raise BadInputError(str(error)) from error
