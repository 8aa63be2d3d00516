"""One run of `sounddesk batch` as a process of its own: the window never waits for it, and a kill costs nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QProcess
from PySide6.QtCore import QProcessEnvironment
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

import sounddesk
from sounddesk.resources_folder import frozen_folder
from sounddesk.storage.batch_rows import row_from_json
from sounddesk.storage.text_formats import parse_json

_log = logging.getLogger(__name__)

# Exit codes of `sounddesk batch` (README).
DONE: Final = 0
SOME_FAILED: Final = 4
CANCELLED: Final = 130
CRASHED: Final = -1

# The step in hand, a file being written; after that a kill, which `--resume` survives as well.
_GRACE_MS: Final = 20_000
_CLOSING_GRACE_MS: Final = 4_000
_MOST_STDERR: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class BatchEnding:
    """How a run ended.

    Attributes:
        code: its exit code; `CRASHED` where it did not end by itself.
        message: the last thing it had to say, for the user.
        failures: how many frames or sounds could not be rendered.
    """

    code: int
    message: str = ""
    failures: int = 0


class BatchProcess(QObject):
    """Signals: progressed(done, total); row_written(Row); ended(BatchEnding), exactly once after `start`."""

    progressed = Signal(int, int)
    row_written = Signal(object)
    ended = Signal(object)

    def __init__(self, arguments: Sequence[str], parent: QObject | None = None) -> None:
        """`arguments`: the command line after `sounddesk`."""
        super().__init__(parent)
        self._pending = b""
        self._errors = b""
        self._failures = 0
        self._has_ended = False
        self._process = QProcess(self)
        program, first = command()
        self._process.setProgram(program)
        self._process.setArguments([*first, *arguments])
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONIOENCODING", "utf-8")
        self._process.setProcessEnvironment(environment)
        self._process.setStandardInputFile(QProcess.nullDevice())
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.timeout.connect(self._process.kill)

    @property
    def process_id(self) -> int:
        return int(self._process.processId())

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        """Ask it to end after the step in hand; `ended` follows."""
        if sys.platform == "win32":
            # A program without a window cannot be asked there.
            self._process.kill()
        else:
            self._process.terminate()
            self._grace.start(_GRACE_MS)

    def close(self) -> None:
        """End it and wait; `ended` is not sent."""
        self._has_ended = True
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self.stop()
            if not self._process.waitForFinished(_CLOSING_GRACE_MS):
                self._process.kill()
                self._process.waitForFinished(_CLOSING_GRACE_MS)

    def _read(self) -> None:
        self._pending += bytes(self._process.readAllStandardOutput().data())
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            try:
                self._hear(parse_json(line))
            except (ValueError, KeyError, TypeError):
                _log.warning("not an event of a batch: %r", line[:200])

    def _hear(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "progress":
                self.progressed.emit(int(event["done"]), int(event["total"]))
            case "row":
                self.row_written.emit(row_from_json(event))
            case "end":
                self._failures = len(event["failures"])

    def _read_errors(self) -> None:
        self._errors = (self._errors + bytes(self._process.readAllStandardError().data()))[-_MOST_STDERR:]

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        crashed = status == QProcess.ExitStatus.CrashExit
        self._end(BatchEnding(code=CRASHED if crashed else code, message=self._said(), failures=self._failures))

    def _on_error(self, error: QProcess.ProcessError) -> None:
        # Every other error is followed by `finished`.
        if error == QProcess.ProcessError.FailedToStart:
            self._end(BatchEnding(code=CRASHED, message=self._process.errorString()))

    def _end(self, ending: BatchEnding) -> None:
        self._grace.stop()
        if not self._has_ended:
            self._has_ended = True
            self.ended.emit(ending)

    def _said(self) -> str:
        """The last message of the command; libraries print there, too."""
        lines = [line.strip() for line in self._errors.decode("utf-8", errors="replace").splitlines() if line.strip()]
        own = [line.removeprefix("sounddesk: ") for line in lines if line.startswith("sounddesk: ")]
        return own[-1] if own else lines[-1] if lines else ""


def command() -> tuple[str, list[str]]:
    """The program that is `sounddesk`, and its first arguments."""
    if frozen_folder() is not None:
        # The window may be the other entry, which opens windows only.
        return str(Path(sys.executable).with_stem("sounddesk")), []
    # Not by '-m', for which Python looks in the current folder first, which may be one that others made; so the
    # package is found behind all that is installed, where it may be itself.
    root = str(Path(sounddesk.__path__[0]).parent)
    code = f"import sys; sys.path.append({root!r}); from sounddesk.cli.main import main; sys.exit(main())"
    return sys.executable, ["-P", "-c", code]
