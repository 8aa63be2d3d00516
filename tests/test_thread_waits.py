"""How long threads of the networks hold a core while they wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [({}, "5000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_waiting_threads_let_go_unless_the_user_chose(chosen: dict[str, str], expected: str) -> None:
    """Asked of a new process, as torch reads it once."""
    unset = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    said = subprocess.run(
        [sys.executable, "-c", "import os, sounddesk; print(os.environ.get('GOMP_SPINCOUNT'))"],
        env=unset | chosen,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == expected
