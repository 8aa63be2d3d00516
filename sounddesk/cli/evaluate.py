"""`sounddesk evaluate`: the two figures that anyone can repeat with pictures of their own."""

from __future__ import annotations

import argparse

from sounddesk.cli.common_arguments import add_engine_arguments
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import BadInputError
from sounddesk.cli.exit_codes import ExitCode

_MEASURES = {
    "grounding": "does the attention of a name fall on the named object, in scenes of 4",
    "right-object": "does each object's take sound like that object, in scenes of 2 to 4",
}


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
            help="holds KIND/*.png cut-outs with alpha; kinds that the bundle does not know are skipped and counted",
        )
        measure.add_argument("--scenes", type=whole_number, default=100, help="how many scenes (default: 100)")
        measure.add_argument("--seed", type=whole_number, default=0, help="which scenes (default: 0)")
        add_engine_arguments(measure)
        add_output_arguments(measure)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk evaluate`: one line, or one JSON document."""
    if not options.pictures.is_dir():
        raise BadInputError(f"{options.pictures} is not a folder: name one that holds KIND/*.png cut-outs with alpha")
    if options.scenes < 1:
        raise BadInputError(f"scenes is {options.scenes}: choose 1 or more")
    if options.measure == "grounding":
        from sounddesk.evaluation import grounding_accuracy as measure
    else:
        from sounddesk.evaluation import right_object as measure
    result = measure.run(
        options.pictures,
        bundle=options.bundle,
        scenes=options.scenes,
        seed=options.seed,
        progress=console.progress,
    )
    console.say(result.line())
    console.document(result.to_json())
    return ExitCode.OK
