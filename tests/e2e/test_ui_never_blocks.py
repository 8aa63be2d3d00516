"""A whole job at the real window, from a photograph to exported files: in few gestures, and never blocked for long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.alone]

LIMIT_S = 0.05
ATTEMPTS = 4
# Open, three objects, generate, hear all, hear each, balance, export.
MOST_GESTURES = 16


def a_job(folder: Path) -> dict[str, Any]:
    """Done in a process of its own; what it reports."""
    names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
    environment = {
        **os.environ,
        **{name: str(folder / name.lower()) for name in names},
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    folder.mkdir()
    command = [sys.executable, "-m", "tests.e2e.desk_under_watch", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    return dict(json.loads(lines[-1]))


def longest_pauses(report: dict[str, Any]) -> dict[str, float]:
    """By what was being done: how long the loop stood still, in seconds, beyond what held up an idle process too."""
    found: dict[str, float] = {}
    for phase, began, length in report["pauses"]:
        elsewhere = max((c for b, c in report["control"] if b < began + length and b + c > began), default=0.0)
        # Until the window is up there is nothing to hold up.
        if phase != "start":
            found[phase] = max(found.get(phase, 0.0), length - elsewhere)
    return found


@pytest.mark.timeout(900)
def test_a_job_takes_few_gestures_and_the_window_answers_within_50_ms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts: list[dict[str, float]] = []
    blocked: dict[str, float] = {}
    # Other programs on the machine hold up now this, now that; what the desk itself blocks, it blocks every time.
    while len(attempts) < ATTEMPTS and (not attempts or blocked):
        report = a_job(tmp_path / str(len(attempts)))
        assert len(report["gestures"]) <= MOST_GESTURES, report["gestures"]
        assert [level < 0.0 for level in report["levels"]] == [True, True, False]
        attempts.append(longest_pauses(report))
        blocked = {
            phase: best for phase in attempts[0] if (best := min(each.get(phase, 0.0) for each in attempts)) > LIMIT_S
        }
    longest = max((round(1000 * max(each.values(), default=0.0)) for each in attempts), default=0)
    with capsys.disabled():
        print(f"\n{len(report['gestures'])} gestures; longest pause of {len(attempts)} runs: {longest} ms")
    assert not blocked, f"blocked in each of {len(attempts)} attempts, in seconds: {blocked}"
