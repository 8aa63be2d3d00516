"""The UI thread is never blocked over 50 ms: a watchdog on its event loop, from the demo still to exported files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.alone]

LIMIT_S = 0.05
ATTEMPTS = 4


def longest_pauses(folder: Path) -> dict[str, float]:
    """By what was being done: how long the loop stood still, in seconds, beyond what held up an idle process too."""
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
    report = json.loads(lines[-1])
    found: dict[str, float] = {}
    for phase, began, length in report["pauses"]:
        elsewhere = max((c for b, c in report["control"] if b < began + length and b + c > began), default=0.0)
        # Until the window is up there is nothing to hold up.
        if phase != "start":
            found[phase] = max(found.get(phase, 0.0), length - elsewhere)
    return found


@pytest.mark.timeout(900)
def test_the_window_answers_within_50_ms_whatever_it_does(tmp_path: Path) -> None:
    attempts: list[dict[str, float]] = []
    blocked: dict[str, float] = {}
    # Other programs on the machine hold up now this, now that; what the desk itself blocks, it blocks every time.
    while len(attempts) < ATTEMPTS and (not attempts or blocked):
        attempts.append(longest_pauses(tmp_path / str(len(attempts))))
        blocked = {
            phase: best for phase in attempts[0] if (best := min(each.get(phase, 0.0) for each in attempts)) > LIMIT_S
        }
    assert not blocked, f"blocked in each of {len(attempts)} attempts, in seconds: {blocked}"
