"""`sounddesk study`: a listening study as a web page, for listeners in the same network."""

from __future__ import annotations

import argparse
from pathlib import Path

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.cli.interrupt import interrupt_on_signals
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import CancelToken


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk study`."""
    commands = parser.add_subparsers(dest="study_command", metavar="COMMAND", required=True)
    new = commands.add_parser("new", help="draw clips of several systems and write the study")
    new.add_argument(
        "system", nargs="+", metavar="SYSTEM=FOLDER", help="a system and the folder of its sounds, as ID.wav"
    )
    new.add_argument(
        "--manifest", type=file_path, required=True, metavar="FILE", help="the clips, as for 'evaluate sounds'"
    )
    new.add_argument("--out", type=file_path, required=True, metavar="FOLDER", help="folder of the study")
    new.add_argument("--title", default="Listening study", help="what listeners read (default: Listening study)")
    new.add_argument(
        "--clips", type=whole_number, default=20, help="how many; each by the sound of every system (default: 20)"
    )
    new.add_argument("--controls", type=whole_number, default=5, help="samples of noise among them (default: 5)")
    new.add_argument(
        "--least-seconds", type=number, default=90.0, help="that a listener stays with each sample (default: 90)"
    )
    new.add_argument(
        "--per-listener", type=whole_number, default=0, help="samples that each listener gets (default: all)"
    )
    new.add_argument("--seed", type=whole_number, default=0, help="which clips, in which orders (default: 0)")
    add_output_arguments(new)
    serve = commands.add_parser("serve", help="open a study to browsers in the local network, until Ctrl-C")
    serve.add_argument("study", type=file_path, metavar="STUDY")
    serve.add_argument(
        "--host", default="0.0.0.0", help="address to listen at; 127.0.0.1 for this machine (default: 0.0.0.0)"
    )
    serve.add_argument("--port", type=whole_number, default=8765, help="default: 8765")
    serve.add_argument(
        "--anyone", action="store_true", help="also answer addresses outside of the local network, and proxies"
    )
    add_output_arguments(serve)
    report = commands.add_parser("report", help="what the ratings so far say: page, figures and table")
    report.add_argument("study", type=file_path, metavar="STUDY")
    report.add_argument("--out", type=file_path, metavar="FOLDER", help="default: STUDY-report")
    report.add_argument("--first", default="", metavar="SYSTEM", help="tested against the others (default: by name)")
    report.add_argument(
        "--control-limit",
        type=number,
        default=2.0,
        help="listeners whose mean rating of noise is above this are left out (default: 2)",
    )
    add_output_arguments(report)
    tasks = commands.add_parser("tasks", help="what tasks took that were recorded in the window (Help, Record a task)")
    tasks.add_argument("logs", type=file_path, nargs="*", metavar="LOG", help="default: this user's own")
    add_output_arguments(tasks)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk study`."""
    commands = {"new": _new, "serve": _serve, "report": _report, "tasks": _tasks}
    commands[options.study_command](options, console)
    return ExitCode.OK


def _new(options: argparse.Namespace, console: Console) -> None:
    from sounddesk.evaluation.study.study_design import StudyTerms
    from sounddesk.evaluation.study.study_making import make_study

    for name, most in (("controls", 1000), ("per_listener", 100_000)):
        if not 0 <= getattr(options, name) <= most:
            raise BadInputError(f"--{name.replace('_', '-')} is {getattr(options, name)}: choose from 0 to {most}")
    if not 0 <= options.least_seconds <= 3600:
        raise BadInputError(f"--least-seconds is {options.least_seconds:g}: choose from 0 to 3600")
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        made = make_study(
            system=options.system,
            manifest=options.manifest,
            out=options.out,
            clips=options.clips,
            controls=options.controls,
            terms=StudyTerms(
                title=options.title,
                least_seconds=options.least_seconds,
                per_listener=options.per_listener,
                seed=options.seed,
            ),
            progress=console.progress,
            cancel=cancel,
        )
    console.say(made.line())
    console.document(made.to_json())


def _serve(options: argparse.Namespace, console: Console) -> None:
    from sounddesk.evaluation.study.study_file import StudyFile
    from sounddesk.evaluation.study.study_server import serve

    if not 0 <= options.port <= 65_535:
        raise BadInputError(f"--port is {options.port}: choose from 0 to 65535")
    with StudyFile(options.study) as study, interrupt_on_signals():
        console.note("listeners open one of these addresses; Ctrl-C closes the study, and it can be opened again")
        serve(study, host=options.host, port=options.port, anyone=options.anyone, tell=console.say)


def _report(options: argparse.Namespace, console: Console) -> None:
    from sounddesk.evaluation.study.study_file import StudyFile
    from sounddesk.evaluation.study.study_report import report_study

    out: Path = options.out or options.study.with_name(f"{options.study.name}-report")
    with StudyFile(options.study) as study:
        made = report_study(study, out, first=options.first, control_limit=options.control_limit)
    console.say(made.line())
    for line in made.details():
        console.say(line)
    console.document(made.to_json())


def _tasks(options: argparse.Namespace, console: Console) -> None:
    from sounddesk.evaluation.study.task_report import report_tasks

    made = report_tasks(options.logs)
    console.say(made.line())
    for line in made.details():
        console.say(line)
    console.document(made.to_json())
