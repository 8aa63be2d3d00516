"""The UI thread is never blocked over 50 ms: a watchdog on its event loop, from the demo still to exported files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LIMIT_S = 0.05
ATTEMPTS = 4


def blocked(folder: Path) -> list[tuple[str, float]]:
    """What was being done and for how long the loop stood still then, without what held up an idle process too."""
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
    found = []
    for phase, began, length in report["pauses"]:
        elsewhere = max((c for b, c in report["control"] if b < began + length and b + c > began), default=0.0)
        # Until the window is up there is nothing to hold up.
        if phase != "start" and length - elsewhere > LIMIT_S:
            found.append((phase, round(length, 3)))
    return found


@pytest.mark.timeout(900)
def test_the_window_answers_within_50_ms_whatever_it_does(tmp_path: Path) -> None:
    attempts: list[list[tuple[str, float]]] = []
    # Other programs on the machine may hold it up; what the desk itself blocks, it blocks every time.
    while len(attempts) < ATTEMPTS and not (attempts and not attempts[-1]):
        attempts.append(blocked(tmp_path / str(len(attempts))))
    assert not attempts[-1], f"blocked in each of {len(attempts)} attempts: {attempts}"
