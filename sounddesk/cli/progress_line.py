"""Progress with time left on one line of the terminal.

Why neither tqdm nor rich: both draw with carriage returns or escape codes, and in a log file tqdm goes on doing so and
rich says nothing until the end, where a line per stage and every ten seconds is wanted. Both count the time left
themselves, while a `Progress` report brings it (a resumed download must not count what was there before). What remains
for a library is the bar.
"""

from __future__ import annotations

import math
import time
from typing import Final
from typing import TextIO

from sounddesk.cli.printable import printable
from sounddesk.engine.tasks import Progress
from sounddesk.engine.tasks import duration_text
from sounddesk.engine.tasks import size_text

_REDRAW_EVERY_S: Final = 0.1
_LOG_EVERY_S: Final = 10.0
_BAR_CELLS: Final = 20
_MOST_COUNTED: Final = 9_999


class ProgressLine:
    """Rewrites one line on a terminal; in a log file prints a plain line per stage and every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = 0
        self._stage = ""
        self._last_s = -math.inf

    def show(self, report: Progress) -> None:
        now_s = time.monotonic()
        new_stage = report.stage != self._stage
        interval_s = _REDRAW_EVERY_S if self._is_terminal else _LOG_EVERY_S
        ended = report.done >= report.total
        if not new_stage and now_s - self._last_s < interval_s and not (ended and self._is_terminal):
            return
        self._stage = report.stage
        self._last_s = now_s
        text = printable(progress_text(report))
        if self._is_terminal:
            # Blanks wipe what is left of a longer line; escape codes are not understood everywhere.
            self._stream.write("\r" + text.ljust(self._shown))
            self._shown = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that a message starts on a clean one."""
        if self._is_terminal and self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0


def progress_text(report: Progress) -> str:
    """One report as text: stage, bar, count, time left."""
    if report.total <= 0:
        return f"{report.stage} ..."
    filled = min(_BAR_CELLS, _BAR_CELLS * report.done // report.total)
    bar = "#" * filled + "." * (_BAR_CELLS - filled)
    text = f"{report.stage} [{bar}] {_amount(report)}"
    if report.remaining_s is not None and report.done < report.total:
        text += f", {duration_text(report.remaining_s)} left"
    return text


def _amount(report: Progress) -> str:
    if report.unit == "bytes":
        text = f"{size_text(report.done)} of {size_text(report.total)}"
        return text if report.per_s is None else f"{text}, {size_text(round(report.per_s))}/s"
    # Steps are counted; of many small units the share says more.
    if report.total <= _MOST_COUNTED:
        return f"{report.done}/{report.total}"
    return f"{100 * report.done // report.total} %"
