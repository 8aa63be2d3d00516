"""`sounddesk batch`: sounds for every frame of a folder."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from sounddesk.cli.batch_arguments import configure_batch
from sounddesk.cli.batch_arguments import read_batch_options
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.tasks import duration_text
from sounddesk.storage.batch_rows import row_to_json

if TYPE_CHECKING:
    from sounddesk.batch.options import BatchOptions
    from sounddesk.batch.run import BatchResult
    from sounddesk.domain.batch_manifest import Row


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk batch`."""
    configure_batch(parser)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Run `sounddesk batch`.

    Raises:
        BadInputError: something given cannot be used.
        EngineError: nothing more can be rendered.
        Cancelled: by a signal; what was rendered stays.
    """
    events = _Events() if options.events else None
    asked = read_batch_options(options)
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        result = _run(asked, console=console, events=events, cancel=cancel)
    if events is not None:
        events.say("end", result.to_json())
    else:
        console.document(result.to_json())
        for line in _lines(result):
            console.say(line)
    return ExitCode.SOME_FAILED if result.failures else ExitCode.OK


def _run(asked: BatchOptions, *, console: Console, events: _Events | None, cancel: CancelToken) -> BatchResult:
    from sounddesk.batch.run import run_batch

    def on_progress(report: Progress) -> None:
        if events is not None:
            events.say("progress", {"done": report.done, "total": report.total})
        else:
            console.progress(report)

    def on_row(row: Row) -> None:
        if events is not None:
            events.say("row", row_to_json(row))
        elif row.status == "failed" and not (row.frame and row.object):
            console.note(f"{row.frame or row.object}: {row.error}")

    try:
        return run_batch(asked, on_progress=on_progress, cancel=cancel, on_row=on_row)
    except (Cancelled, KeyboardInterrupt):
        raise Cancelled("cancelled; the same command with --resume goes on from here") from None
    finally:
        console.end_progress()


def _lines(result: BatchResult) -> list[str]:
    good = result.rendered - result.failed_frames
    lines = [f"{good} of {result.frames} {result.unit} rendered in {duration_text(result.elapsed_s)}, in {result.out}"]
    if result.complete:
        lines.append(f"  {result.complete} {result.unit} were complete already")
    lines += [f"  note: {note}" for note in result.notes]
    lines += [f"  failed: {what}: {why}" for what, why in result.failures]
    lines.append(f"  {result.page}  to look at and listen to; manifest.jsonl says how each sound was made")
    return lines


class _Events:
    """One JSON object per line on stdout, for a program that watches."""

    def say(self, event: str, data: dict[str, object]) -> None:
        sys.stdout.write(json.dumps({"event": event, **data}, ensure_ascii=True) + "\n")
        sys.stdout.flush()
