"""A run killed at any moment and continued equals one left alone, bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from benchmarks.resume_after_kill import OPTIMISER
from benchmarks.resume_after_kill import fingerprint
from benchmarks.resume_after_kill import killed_and_resumed
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.loop.checkpoint import load_checkpoint
from sounddesk.training.runner import run_recipe
from tests.training.tiny_run import start_process
from tests.training.tiny_run import write_recipe

pytestmark = pytest.mark.slow


class Commanded:
    """`sounddesk train run` as a user starts it."""

    def __init__(self, recipe: Path, log: Path) -> None:
        self._process = start_process(recipe, log=log)
        self.pid: int | None = self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> int:
        return self._process.wait(timeout=240)


def test_after_a_kill(work: Path) -> None:
    threads = torch.get_num_threads()
    run_recipe(write_recipe(work, "never_killed", optimiser=OPTIMISER))
    torch.set_num_threads(threads)
    recipe = write_recipe(work, "killed", optimiser=OPTIMISER)
    assert killed_and_resumed(recipe, lambda file: Commanded(file, work / "log"), after_s=0.1)
    assert fingerprint(work / "killed") == fingerprint(work / "never_killed")


def test_from_every_checkpoint_even_where_the_log_and_the_export_were_ahead(work: Path) -> None:
    """What a kill can leave: an old checkpoint, later rows in the log, half a row, half an export."""
    options = {**OPTIMISER, "steps": 3, "checkpoint_steps": 1, "threads": None}
    recipe = write_recipe(work, "whole", optimiser=options)
    states: list[Path] = []

    def keep(progress: Progress) -> None:
        if progress.stage == "train":
            # Called before the checkpoint of this step, so it is the one before.
            copy = work / f"at{progress.done}"
            shutil.copytree(work / "whole", copy)
            states.append(copy)

    run_recipe(recipe, on_progress=keep)
    wanted = fingerprint(work / "whole")
    for state in states:
        again = write_recipe(work, state.name, optimiser=options)
        with (state / "log.jsonl").open("a") as log:
            log.write('{"step": 99, "lr": 1, "loss": 5, "mse": 5}\n{"step": 10')
        (state / ".lock").unlink(missing_ok=True)
        (state / ".export.abcd.tmp").mkdir()
        (state / "resume.pt.tmp").write_bytes(b"half")
        run_recipe(again)
        assert fingerprint(state) == wanted, state.name
        assert not (state / ".export.abcd.tmp").exists()


def test_a_stop_in_the_middle_of_a_log_row_loses_nothing(work: Path) -> None:
    options = {**OPTIMISER, "steps": 8, "checkpoint_steps": 100, "threads": None}
    run_recipe(write_recipe(work, "left_alone", optimiser=options, live={"log_steps": 4}))
    token = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == "train" and progress.done == 3:
            token.cancel()

    recipe = write_recipe(work, "stopped", optimiser=options, live={"log_steps": 4})
    with pytest.raises(Cancelled):
        run_recipe(recipe, on_progress=stop, cancel=token)
    state = load_checkpoint(work / "stopped")
    assert state is not None
    assert state["averages"]["counts"]["loss"] == 3
    run_recipe(recipe)
    assert fingerprint(work / "stopped") == fingerprint(work / "left_alone")
