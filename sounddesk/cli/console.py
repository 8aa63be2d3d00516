"""What the command line says and where: results on stdout, progress and messages on stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from typing import Any
from typing import TextIO

from sounddesk.cli.printable import printable
from sounddesk.cli.progress_line import ProgressLine
from sounddesk.engine.tasks import Progress


class Console:
    """The one place that prints. Every text is one line: what names and notes of others hold is escaped and cut.

    Args:
        quiet: no progress and no text, only errors.
        as_json: stdout gets one JSON document and nothing else.
    """

    def __init__(
        self, *, quiet: bool = False, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._out = _forgiving(out if out is not None else sys.stdout)
        self._err = _forgiving(err if err is not None else sys.stderr)
        self._progress = ProgressLine(self._err)

    def say(self, text: str) -> None:
        """A line of the result, for a reader; left out with --quiet and --json."""
        if not self._quiet and not self._as_json:
            self._progress.clear()
            print(printable(text), file=self._out, flush=True)

    def note(self, text: str) -> None:
        """A line the user should know while waiting, on stderr; left out with --quiet."""
        if not self._quiet:
            self._progress.clear()
            print(printable(text), file=self._err, flush=True)

    def error(self, text: str, *, exit_code: int) -> None:
        """What went wrong, on stderr; with --json also as the document on stdout."""
        self._progress.clear()
        print(f"sounddesk: {printable(text)}", file=self._err, flush=True)
        if self._as_json:
            self.document({"ok": False, "exit_code": int(exit_code), "error": text})

    def document(self, data: Mapping[str, Any]) -> None:
        """The result as JSON, with --json only."""
        if self._as_json:
            self._progress.clear()
            # Names may hold lone surrogates from the shell; escaped, they survive any terminal encoding.
            print(json.dumps(data, ensure_ascii=True, indent=2), file=self._out, flush=True)

    def progress(self, report: Progress) -> None:
        """Show one progress report, unless --quiet."""
        if not self._quiet:
            self._progress.show(report)

    def end_progress(self) -> None:
        self._progress.clear()


def _forgiving(stream: TextIO) -> TextIO:
    """The stream, made to show what its encoding lacks as an escape: a name must not end the program."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream
