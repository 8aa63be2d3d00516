"""`sounddesk train`: prepare and check data, run recipes, export bundles."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sounddesk.cli import ablate
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import duration_text

DEFAULT_STARTER: Final = Path("starter-data")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk train`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    prepare = actions.add_parser("prepare", help="build a data set")
    prepare.add_argument(
        "dataset", choices=("starter", "clips"), help="the starter's, or clips of your own (appendix B)"
    )
    prepare.add_argument("data", type=file_path, nargs="?", metavar="DATA", help="clips: folder or clips.jsonl")
    prepare.add_argument("--recipe", type=file_path, metavar="FILE", help="clips: stages and models (refinement.yaml)")
    prepare.add_argument("--dry-run", action="store_true", help="clips: write the prompts, ask no chat model")
    _add_overrides(prepare)
    prepare.add_argument("--out", type=file_path, default=DEFAULT_STARTER, metavar="FOLDER")
    prepare.add_argument(
        "--sources",
        type=file_path,
        metavar="FOLDER",
        help="where the source packages are kept (default: OUT/sources)",
    )
    prepare.add_argument(
        "--recordings-hz",
        type=whole_number,
        metavar="HZ",
        help="starter: build the recordings alone, at this sample rate (the detail learns from 48000)",
    )
    prepare.add_argument("--offline", action="store_true", help="use the packages that are there, fetch nothing")
    add_output_arguments(prepare)

    check = actions.add_parser("check", help="can every clip be read, and is test data kept apart?")
    check.add_argument(
        "data", type=file_path, metavar="DATA", help="folder, clips.jsonl, shards or a prepared data set"
    )
    check.add_argument("--seconds", type=number, default=10.0, help="length of a training clip (default: 10)")
    add_output_arguments(check)

    run_recipe = actions.add_parser("run", help="train by one or several recipes, in the order given")
    run_recipe.add_argument("recipes", type=file_path, nargs="+", metavar="RECIPE")
    _add_overrides(run_recipe)
    start = run_recipe.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="go on from the last checkpoint (done anyway)")
    start.add_argument("--fresh", action="store_true", help="start anew instead of resuming the last checkpoint")
    start.add_argument("--dry-run", action="store_true", help="one step at full size: memory and time, nothing is kept")
    add_output_arguments(run_recipe)

    ablate.configure(actions.add_parser("ablate", help="the paper's ablations in miniature, beside the paper's tables"))

    export = actions.add_parser("export", help="make a bundle of a finished run, or put trained parts together")
    export.add_argument("source", type=file_path, metavar="RUN|RECIPE", help="folder of a run, or a bundle recipe")
    export.add_argument(
        "--bundle", "--out", dest="out", type=file_path, required=True, metavar="FOLDER", help="the bundle to write"
    )
    export.add_argument("--base", metavar="NAME|FOLDER", help="of a run: bundle for what it did not train")
    export.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    _add_overrides(export)
    add_output_arguments(export)


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace one value of the recipe, e.g. optimiser.learning_rate=1e-4",
    )


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk train`."""
    actions: dict[str, Callable[..., int | None]] = {
        "prepare": _prepare,
        "check": _check,
        "run": _run_recipes,
        "ablate": _ablate,
        "export": _export,
    }
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        code = actions[options.action](options, console=console, cancel=cancel)
    return ExitCode.OK if code is None else code


def _prepare(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    if options.dataset == "clips":
        _refine(options, console=console, cancel=cancel)
        return
    from sounddesk.training.preparation.starter import prepare_starter

    try:
        summary = prepare_starter(
            options.out,
            sources_dir=options.sources,
            fetch=not options.offline,
            recordings_hz=options.recordings_hz,
            progress=console.progress,
            cancel=cancel,
        )
    except Cancelled:
        raise Cancelled("stopped; the same command goes on where it stopped") from None
    console.say(
        f"{summary.recordings} recordings ({duration_text(summary.audio_s)}) and {summary.pictures} pictures of "
        f"{summary.kinds} kinds, {summary.backgrounds} backgrounds, in {options.out}"
    )
    console.document({"ok": True, **asdict(summary), "out_dir": str(options.out)})


def _refine(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    if options.data is None:
        raise BadInputError("prepare clips needs DATA: name a folder of clips or a clips.jsonl")
    from sounddesk.resources_folder import resource
    from sounddesk.training.loop.recipe import build
    from sounddesk.training.loop.recipe import read_recipe
    from sounddesk.training.refinement.stages import Refinement
    from sounddesk.training.refinement.stages import RefinementRecipe

    out = options.out if options.out != DEFAULT_STARTER else Path("clips")
    try:
        recipe = build(
            RefinementRecipe, read_recipe(options.recipe or resource("recipes/refinement.yaml"), options.overrides)
        )
        refinement = Refinement(options.data, out, recipe, progress=console.progress, cancel=cancel, tell=console.note)
        reports = refinement.run(dry_run=options.dry_run)
    except (ValueError, OSError) as error:
        raise BadInputError(str(error)) from error
    except Cancelled:
        raise Cancelled("stopped; the same command goes on where it stopped") from None
    for report in reports:
        console.say(report.line())
    console.document({"ok": True, "stages": [asdict(report) for report in reports], "out_dir": str(out)})


def _check(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> int:
    from sounddesk.training.clips.data_check import check_data

    report = check_data(options.data, seconds=options.seconds, progress=console.progress, cancel=cancel)
    for line in report.lines():
        console.say(line)
    console.document({"ok": report.usable, **report.to_json()})
    if report.usable:
        return ExitCode.OK
    console.note(f"{options.data} cannot be trained on as it is")
    return ExitCode.BAD_INPUT


def _run_recipes(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    for path in options.recipes:
        if not path.is_file():
            raise BadInputError(f"recipe {path} does not exist: the starter's are in resources/recipes/starter")
    if options.dry_run:
        _try_recipes(options, console=console, cancel=cancel)
        return
    from sounddesk.training.runner import run_recipe

    exports = []
    for path in options.recipes:
        try:
            export = run_recipe(
                path,
                overrides=options.overrides,
                resume=not options.fresh,
                on_progress=console.progress,
                cancel=cancel,
                tell=console.note,
            )
        except Cancelled:
            raise Cancelled(f"{path.name} stopped; the same command resumes at its checkpoint") from None
        console.say(f"{path.name} is done: {export}")
        exports.append(str(export))
    console.document({"ok": True, "exports": exports})


def _try_recipes(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    from sounddesk.training.dry_run import dry_run

    made = []
    for path in options.recipes:
        result = dry_run(
            path, overrides=options.overrides, on_progress=console.progress, cancel=cancel, tell=console.note
        )
        for line in result.lines():
            console.say(f"{path.name}: {line}")
        made.append({"recipe": str(path), **asdict(result)})
    console.document({"ok": True, "dry_runs": made})


def _ablate(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    try:
        ablate.run(options, console=console, cancel=cancel)
    except Cancelled:
        raise Cancelled("stopped; the same command goes on with the row it was at") from None


def _export(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    from sounddesk.training.export import export_bundle
    from sounddesk.training.export import export_run

    cancel.raise_if_cancelled()
    if not options.source.exists():
        raise BadInputError(f"{options.source} does not exist: name the folder of a run, or a bundle recipe")
    try:
        if options.source.is_dir():
            bundle = export_run(options.source, options.out, base=options.base, overwrite=options.overwrite)
        else:
            bundle = export_bundle(
                options.source, options.out, overrides=tuple(options.overrides), overwrite=options.overwrite
            )
    except FileExistsError as error:
        raise BadInputError(f"{options.out} exists: choose another folder or add --overwrite") from error
    except (EngineError, OSError) as error:
        raise BadInputError(str(error)) from error
    console.say(f"bundle {bundle.name}, {bundle.n_bytes / 2**20:.1f} MiB, in {options.out}")
    console.document({"ok": True, "bundle": bundle.name, "folder": str(options.out), "bytes": bundle.n_bytes})
