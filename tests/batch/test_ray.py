"""Ray on this machine. Skipped where Ray is not installed (`pip install '.[ray]'`)."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from sounddesk.batch.executors.ray import RayExecutor
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.run import render_settings
from sounddesk.batch.run import run_batch
from sounddesk.engine.tasks import CancelToken
from tests.batch.conftest import contents
from tests.batch.conftest import run

pytest.importorskip("ray")


def test_ray_gives_the_same_files_and_a_killed_worker_loses_nothing(options: BatchOptions) -> None:
    run(options)
    distributed = replace(options, out=options.out.parent / "ray", executor="ray", workers=2)
    executor = RayExecutor(render_settings(distributed), workers=2)
    killed: list[int] = []

    def kill_one(_row: object) -> None:
        if not killed:
            killed.append(executor.pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    result = run_batch(
        distributed, on_progress=lambda _: None, cancel=CancelToken(), on_row=kill_one, executor=executor
    )
    assert killed
    assert result.failures == ()
    assert contents(options.out) == contents(distributed.out)
