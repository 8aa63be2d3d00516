"""Every job killed once with -9; `python -m benchmarks.kills --kills 300` kills more often."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.kill_jobs import JOB_NAMES


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="killed forks stand for killed programs")
def test_a_killed_job_leaves_nothing_half_written_and_is_finished_by_the_next_start() -> None:
    # In a process of its own: a fork must not inherit the threads of other tests.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kills", "--kills", str(len(JOB_NAMES)), "--json"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    outcomes = {each["name"]: each for each in json.loads(done.stdout)}
    assert outcomes.keys() == set(JOB_NAMES)
    for name, outcome in outcomes.items():
        assert (outcome["kills"], outcome["wrong"], outcome["litter"]) == (1, [], 0), name
