"""`sounddesk evaluate`: the figures that anyone can repeat with pictures of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sounddesk.cli.common_arguments import add_engine_arguments
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.cli.render_arguments import MAX_TAKES
from sounddesk.cli.render_arguments import checked_seconds
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken

_MEASURES = {
    "grounding": "does the attention of a name fall on the named object, in scenes of 4",
    "right-object": "does each object's take sound like that object, in scenes of 2 to 4",
    "segmenter": "how well do clicks and boxes select objects in crowded scenes, and how well would GrabCut",
    "gallery": "what fails: a page with picture, mask, spectrogram and sound of every kind, the worst first",
}
_DEFAULT_SCENES = {"grounding": 200, "right-object": 50, "segmenter": 40}
_DEFAULT_SECONDS = {"right-object": 10.0, "gallery": 5.0}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk evaluate`."""
    measures = parser.add_subparsers(dest="measure", metavar="MEASURE", required=True)
    for name, summary in _MEASURES.items():
        ending = "." if name == "gallery" else "?"
        measure = measures.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}{ending}")
        measure.add_argument(
            "--pictures",
            type=file_path,
            required=True,
            metavar="FOLDER",
            help="holds KIND/*.png cut-outs with alpha"
            + ("" if name == "segmenter" else "; kinds that the bundle does not know are skipped and counted"),
        )
        if name == "gallery":
            _add_gallery_arguments(measure)
        measure.add_argument(
            "--backgrounds", type=file_path, metavar="FOLDER", help="photographs behind them (default: plain ones)"
        )
        if name in _DEFAULT_SCENES:
            scenes = _DEFAULT_SCENES[name]
            measure.add_argument("--scenes", type=whole_number, default=scenes, help=f"how many (default: {scenes})")
        measure.add_argument("--seed", type=whole_number, default=0, help="which scenes (default: 0)")
        add_engine_arguments(measure)
        add_output_arguments(measure)
        if name in _DEFAULT_SECONDS:
            seconds = _DEFAULT_SECONDS[name]
            measure.add_argument("--preset", choices=("fast", "paper"), default="fast", help="default: fast")
            measure.add_argument(
                "--seconds", type=number, default=seconds, help=f"length of each take (default: {seconds:g})"
            )
            measure.add_argument(
                "--classifier", type=file_path, metavar="FOLDER", help="a sound classifier of your own kinds"
            )
        if name == "right-object":
            measure.add_argument("--confusion", action="store_true", help="also say which kinds are taken for which")


def _add_gallery_arguments(measure: argparse.ArgumentParser) -> None:
    measure.add_argument(
        "--out", type=file_path, required=True, metavar="FOLDER", help="where to; an earlier gallery there is kept"
    )
    measure.add_argument("--kinds", default="", metavar="KIND,...", help="only these")
    measure.add_argument(
        "--takes",
        type=whole_number,
        default=1,
        help=f"how many of each kind, each of another picture, 1 to {MAX_TAKES} (default: 1)",
    )
    measure.add_argument(
        "--recordings", type=file_path, metavar="FOLDER", help="holds KIND/*.flac, real recordings to compare with"
    )


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk evaluate`: one line, or one JSON document."""
    if not options.pictures.is_dir():
        raise BadInputError(f"{options.pictures} is not a folder: name one that holds KIND/*.png cut-outs with alpha")
    if options.seed < 0:
        raise BadInputError(f"seed is {options.seed}: choose 0 or more")
    cancel = CancelToken()
    arguments: dict[str, Any] = {
        "bundle": options.bundle,
        "seed": options.seed,
        "backgrounds": options.backgrounds,
        "device": options.device,
        "progress": console.progress,
        "cancel": cancel,
    }
    if options.measure in _DEFAULT_SCENES:
        if options.scenes < 1:
            raise BadInputError(f"scenes is {options.scenes}: choose 1 or more")
        arguments["scenes"] = options.scenes
    if options.measure in _DEFAULT_SECONDS:
        arguments |= {
            "preset": options.preset,
            "seconds": checked_seconds(options.seconds),
            "classifier": _checked_classifier(options.classifier),
        }
    if options.measure == "gallery":
        arguments |= _gallery_arguments(options)
    with cancel_on_signals(cancel, tell=console.note):
        result = _measure(options, arguments)
    console.say(result.line())
    if options.measure == "right-object" and options.confusion:
        for row in result.confusion_of_all:
            console.say(row.text())
    if options.measure == "gallery" and result.place != options.out:
        console.note(f"{options.out} holds files of these names already, so the gallery is beside it: {result.place}")
    document = result.to_json()
    if options.measure == "gallery":
        document["page"] = str(result.page)
    console.document(document)
    return ExitCode.OK


def _checked_classifier(folder: Path | None) -> Path | None:
    if folder is not None and not (folder / "config.json").is_file():
        raise BadInputError(f"{folder} is no sound classifier: name the folder 'export/classifier' of its training run")
    return folder


def _gallery_arguments(options: argparse.Namespace) -> dict[str, Any]:
    if not 1 <= options.takes <= MAX_TAKES:
        raise BadInputError(f"takes is {options.takes}: choose from 1 to {MAX_TAKES}")
    kinds = tuple(kind.strip() for kind in options.kinds.split(",") if kind.strip())
    return {"out": options.out, "kinds": kinds, "takes": options.takes, "recordings": options.recordings}


def _measure(options: argparse.Namespace, arguments: dict[str, Any]) -> Any:
    from sounddesk.domain.errors import EngineError
    from sounddesk.engine.bundles.installed_bundles import find_bundle

    try:
        # A wrong name or folder is the user's to correct; what comes later is the engine's.
        find_bundle(options.bundle)
    except EngineError as error:
        raise BadInputError(str(error)) from error
    from sounddesk.evaluation import grounding_accuracy
    from sounddesk.evaluation import right_object
    from sounddesk.evaluation import segmenter_accuracy
    from sounddesk.evaluation.gallery import gallery

    measures: dict[str, Callable[..., Any]] = {
        "grounding": grounding_accuracy.run,
        "right-object": right_object.run,
        "segmenter": segmenter_accuracy.run,
        "gallery": gallery.run,
    }
    try:
        return measures[options.measure](options.pictures, **arguments)
    except (Cancelled, KeyboardInterrupt):
        if options.measure == "gallery":
            raise Cancelled("cancelled, nothing was written") from None
        raise
