"""Kill a training run with SIGKILL at random moments, let it go on, and compare every bit with a run left alone.

python -m benchmarks.resume_after_kill [--kills 20] [--seed 0]

Each of the kills is a run of its own of the tiny bundle: killed once at a random moment between its first file and
its end (while steps run, while a checkpoint or the export is written), then run again to its end.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sounddesk.training.loop.checkpoint import load_checkpoint
from sounddesk.training.loop.live_view import read_log
from tests.training.tiny_run import build_tiny_work
from tests.training.tiny_run import write_recipe

OPTIMISER = {"steps": 20, "checkpoint_steps": 3, "threads": 1}
WAIT_S = 1200.0


def fingerprint(run_dir: Path) -> str:
    """Of every exported file, every tensor of the checkpoint, and the figures of the log."""
    digest = hashlib.sha256()
    for path in sorted((run_dir / "export").rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(run_dir).as_posix().encode() + path.read_bytes())
    state = load_checkpoint(run_dir)
    assert state is not None
    _add(digest, {key: state[key] for key in ("module", "optimiser", "ema", "step", "averages")})
    for row in read_log(run_dir):
        digest.update(repr([(key, row[key]) for key in ("step", "lr", "loss", "mse")]).encode())
    return digest.hexdigest()


def _add(digest: hashlib._Hash, value: object) -> None:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            digest.update(str(key).encode())
            _add(digest, value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            _add(digest, item)
    elif hasattr(value, "numpy"):
        digest.update(value.numpy().tobytes())
    else:
        digest.update(repr(value).encode())


class Started(Protocol):
    """A run in a process of its own."""

    pid: int | None

    def is_alive(self) -> bool: ...

    def end(self) -> int: ...


class Forked:
    """A run in a fork of this process, which has imported everything and computed nothing: it starts at once."""

    def __init__(self, work: Callable[..., object], *arguments: object) -> None:
        self._process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
        self._process.start()
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def end(self) -> int:
        """Wait for its end; its exit code. Raises: SystemExit, it takes too long for this machine."""
        self._process.join(WAIT_S)
        if self._process.exitcode is None:
            raise SystemExit(f"process {self.pid} did not end within {WAIT_S:g} s")
        return self._process.exitcode


def killed_and_resumed(recipe: Path, start: Callable[[Path], Started], *, after_s: float) -> bool:
    """Kill a run once, `after_s` after its first file, and run it to its end; False where it had ended before."""
    run = start(recipe)
    wait_for_first_file(recipe, run)
    time.sleep(after_s)
    was_running = run.is_alive()
    if was_running:
        assert run.pid is not None
        os.kill(run.pid, signal.SIGKILL)
    run.end()
    if start(recipe).end() != 0:
        raise SystemExit(f"{recipe.stem} failed after the kill")
    return was_running


def wait_for_first_file(recipe: Path, run: Started) -> None:
    """Until the run's log is there, or the run has ended."""
    marker = recipe.with_suffix("") / "log.jsonl"
    while not marker.exists() and run.is_alive():
        time.sleep(0.002)


def measure(kills: int, seed: int) -> tuple[int, list[str]]:
    """How many killed runs ended identical, and one line for each."""
    # Imported in the parent, so that forks need not.
    from sounddesk.training.runner import run_recipe

    def start(recipe: Path) -> Started:
        return Forked(run_recipe, recipe)

    rng = random.Random(seed)
    lines = []
    identical = done = 0
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        Forked(build_tiny_work, work).end()
        whole = start(write_recipe(work, "whole", optimiser=OPTIMISER))
        wait_for_first_file(work / "whole.yaml", whole)
        began_s = time.monotonic()
        if whole.end() != 0:
            raise SystemExit("the run that is left alone failed")
        length_s = time.monotonic() - began_s
        wanted = fingerprint(work / "whole")
        for attempt in itertools.count():
            if done == kills:
                break
            name = f"killed{attempt}"
            after_s = rng.uniform(0.0, length_s)
            # A run that ended before the kill proves nothing; another moment is drawn.
            if killed_and_resumed(write_recipe(work, name, optimiser=OPTIMISER), start, after_s=after_s):
                same = fingerprint(work / name) == wanted
                identical += same
                done += 1
                print(f"{identical} of {done} identical", flush=True)
                lines.append(f"killed {after_s:.2f} s of {length_s:.2f} s in: {'identical' if same else 'DIFFERENT'}")
    return identical, lines


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # A fork must not inherit a pool of threads that are not there any more.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "benchmarks.resume_after_kill", *sys.argv[1:]],
            {**os.environ, "OMP_NUM_THREADS": "1"},
        )
    identical, lines = measure(options.kills, options.seed)
    print("\n".join(lines))
    print(f"{identical} of {options.kills} identical")


if __name__ == "__main__":
    main()
