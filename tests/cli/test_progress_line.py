from __future__ import annotations

import io

import pytest

from sounddesk.cli.progress_line import ProgressLine
from sounddesk.cli.progress_line import progress_text
from sounddesk.engine.tasks import Progress
from sounddesk.engine.tasks import duration_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report(done: int, *, stage: str = "denoise", elapsed_s: float = 6.0) -> Progress:
    return Progress(stage=stage, done=done, total=25, elapsed_s=elapsed_s)


def test_text_names_stage_count_and_time_left() -> None:
    assert progress_text(report(10)) == "denoise [########............] 10/25, 9 s left"


def test_no_time_left_is_claimed_before_the_first_step_or_after_the_last() -> None:
    assert "left" not in progress_text(report(0))
    assert "left" not in progress_text(report(25))


def test_a_stage_without_total_has_no_bar() -> None:
    assert progress_text(Progress(stage="load", done=0, total=0, elapsed_s=0.0)) == "load ..."


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_terminal_has_one_line_that_is_wiped_at_the_end() -> None:
    terminal = Terminal()
    line = ProgressLine(terminal)
    line.show(report(0))
    line.show(report(25))
    line.clear()
    written = terminal.getvalue()
    assert "\n" not in written
    assert written.endswith("\r")
    assert written.split("\r")[-2].strip() == ""


def test_a_shorter_line_leaves_nothing_of_the_longer_one() -> None:
    terminal = Terminal()
    line = ProgressLine(terminal)
    line.show(report(1, stage="a rather long name of a stage"))
    line.show(report(1, stage="b"))
    first, second = terminal.getvalue().split("\r")[1:]
    assert len(second) == len(first)


def test_a_log_file_gets_a_line_per_stage_and_no_flood() -> None:
    log = io.StringIO()
    line = ProgressLine(log)
    for done in range(26):
        line.show(report(done))
    line.show(report(0, stage="decode"))
    line.clear()
    assert [text.split(" ")[0] for text in log.getvalue().splitlines()] == ["denoise", "decode"]


def test_a_download_shows_amounts_and_speed_of_this_try() -> None:
    report = Progress(
        stage="download sam",
        done=1_500_000_000,
        total=2_500_000_000,
        elapsed_s=10.0,
        unit="bytes",
        done_before=1_000_000_000,
    )
    assert report.per_s == 50_000_000 and report.remaining_s == 20.0
    assert progress_text(report) == "download sam [############........] 1.50 GB of 2.50 GB, 50 MB/s, 20 s left"
    waiting = Progress(stage="download sam", done=375, total=375_000, elapsed_s=1.0, unit="bytes", done_before=375)
    assert progress_text(waiting) == "download sam [....................] 0 kB of 375 kB"
