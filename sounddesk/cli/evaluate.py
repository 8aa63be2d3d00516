"""`sounddesk evaluate`: the figures that anyone can repeat with pictures of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.cli.common_arguments import add_engine_arguments
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import seed_option


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "path": file_path,
    "names": _names,
    "text": str,
    "number": number,
    "whole number": whole_number,
}
# What every measure has beside its own.
_COMMON_OPTIONS: Final = (
    folder_option("--backgrounds", "photographs behind them", default_text="plain ones"),
    seed_option("which scenes"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk evaluate`, a subcommand for each registered measure."""
    measures = parser.add_subparsers(dest="measure", metavar="MEASURE", required=True)
    for entry in MEASURES:
        measure = measures.add_parser(entry.name, help=entry.summary, description=entry.description)
        if entry.takes_pictures:
            _add_pictures(measure, entry)
        for option in _options_of(entry):
            _add(measure, option)
        if entry.takes_pictures or entry.takes_bundle:
            add_engine_arguments(measure)
        add_output_arguments(measure)


def _options_of(entry: MeasureEntry) -> tuple[MeasureOption, ...]:
    return (*entry.options, *_COMMON_OPTIONS) if entry.takes_pictures else entry.options


def _add_pictures(parser: argparse.ArgumentParser, entry: MeasureEntry) -> None:
    skipped = "; kinds that the bundle does not know are skipped and counted" if entry.known_kinds_only else ""
    instead = f"; instead of {entry.instead_of_pictures}" if entry.instead_of_pictures else ""
    parser.add_argument(
        "--pictures",
        type=file_path,
        required=not entry.instead_of_pictures,
        metavar="FOLDER",
        help=f"holds KIND/*.png cut-outs with alpha{skipped}{instead}",
    )


def _add(parser: argparse.ArgumentParser, option: MeasureOption) -> None:
    if option.kind == "flag":
        parser.add_argument(option.flag, action="store_true", help=option.help)
        return
    if not option.flag.startswith("--"):
        parser.add_argument(
            option.flag, nargs="+", type=_READERS[option.kind], metavar=option.metavar, help=option.help
        )
        return
    text = option.default_text
    if text is None and option.default not in (None, ()):
        text = f"{option.default:g}" if option.kind == "number" else str(option.default)
    parser.add_argument(
        option.flag,
        action="append" if option.repeated else "store",
        type=_READERS[option.kind],
        default=option.default,
        choices=option.choices,
        required=option.required,
        metavar=option.metavar,
        help=f"{option.help} (default: {text})" if text else option.help,
    )


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk evaluate`: one line, or one JSON document."""
    entry = MEASURES.get(options.measure)
    pictures = options.pictures if entry.takes_pictures else None
    if pictures is not None and not pictures.is_dir():
        raise BadInputError(f"{pictures} is not a folder: name one that holds KIND/*.png cut-outs with alpha")
    cancel = CancelToken()
    arguments = {option.keyword: _checked(option, options) for option in _options_of(entry)}
    arguments |= {"progress": console.progress, "cancel": cancel}
    if entry.takes_pictures or entry.takes_bundle:
        arguments |= {"bundle": options.bundle, "device": options.device}
    with cancel_on_signals(cancel, tell=console.note):
        report = _measure(entry, pictures, arguments)
    console.say(report.line)
    for line in report.details:
        console.say(line)
    for note in report.notes:
        console.note(note)
    console.document(dict(report.document))
    return ExitCode.OK


def _checked(option: MeasureOption, options: argparse.Namespace) -> Any:
    value = getattr(options, option.keyword)
    if option.check is not None and value is not None:
        try:
            option.check(value)
        except ValueError as error:
            raise BadInputError(str(error)) from error
    return value


def _measure(entry: MeasureEntry, pictures: Path | None, arguments: Mapping[str, Any]) -> MeasureReport:
    from sounddesk.domain.errors import EngineError
    from sounddesk.engine.bundles.installed_bundles import find_bundle

    if entry.takes_pictures or entry.takes_bundle:
        try:
            # A wrong name or folder is the user's to correct; what comes later is the engine's.
            find_bundle(arguments["bundle"])
        except EngineError as error:
            raise BadInputError(str(error)) from error
    try:
        return entry.measure(pictures, **arguments)
    except (Cancelled, KeyboardInterrupt):
        if entry.when_cancelled:
            raise Cancelled(entry.when_cancelled) from None
        raise
