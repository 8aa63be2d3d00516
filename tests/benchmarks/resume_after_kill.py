"""Kill a training run with SIGKILL at random moments, let it go on, and compare every bit with a run left alone.

python -m tests.benchmarks.resume_after_kill [--kills 20] [--seed 0]

Each of the kills is a run of its own of the tiny bundle: killed once at a random moment between its first file and
its end (while steps run, while a checkpoint or the export is written), then run again to its end.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from sounddesk.training.checkpoint import load_checkpoint
from sounddesk.training.live_view import read_log
from tests.training.tiny_run import build_tiny_work
from tests.training.tiny_run import start_process
from tests.training.tiny_run import write_recipe

OPTIMISER = {"steps": 60, "checkpoint_steps": 3, "threads": 1}
WAIT_S = 300.0


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


def run_whole(recipe: Path, log: Path) -> float:
    """Run to the end; seconds from the first log row's file to the end."""
    process = start_process(recipe, log=log)
    began_s = _first_file(recipe, process)
    if process.wait(timeout=WAIT_S) != 0:
        raise SystemExit(log.read_text())
    return time.monotonic() - began_s


def _first_file(recipe: Path, process: object) -> float:
    marker = recipe.with_suffix("") / "log.jsonl"
    limit_s = time.monotonic() + WAIT_S
    while not marker.exists() and time.monotonic() < limit_s:
        time.sleep(0.005)
    return time.monotonic()


def killed_and_resumed(recipe: Path, log: Path, *, after_s: float) -> bool:
    """Kill once, then run to the end; False where the run had ended before the kill."""
    process = start_process(recipe, log=log)
    _first_file(recipe, process)
    time.sleep(after_s)
    was_running = process.poll() is None
    if was_running:
        os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=WAIT_S)
    finish = start_process(recipe, log=log)
    if finish.wait(timeout=WAIT_S) != 0:
        raise SystemExit(log.read_text())
    return was_running


def measure(kills: int, seed: int) -> tuple[int, list[str]]:
    """How many killed runs ended identical, and one line for each."""
    rng = random.Random(seed)
    lines = []
    identical = 0
    with tempfile.TemporaryDirectory() as scratch:
        work = build_tiny_work(Path(scratch))
        length_s = run_whole(write_recipe(work, "whole", optimiser=OPTIMISER), work / "whole.log")
        wanted = fingerprint(work / "whole")
        done = 0
        while done < kills:
            recipe = write_recipe(work, f"killed{done}", optimiser=OPTIMISER)
            after_s = rng.uniform(0.0, length_s)
            if not killed_and_resumed(recipe, work / "killed.log", after_s=after_s):
                # Faster than the first run: it ended before the kill, which proves nothing. Draw another moment.
                recipe.unlink()
                (work / f"killed{done}").rename(work / f"ended{rng.random()}")
                continue
            same = fingerprint(work / f"killed{done}") == wanted
            identical += same
            done += 1
            lines.append(f"killed {after_s:.2f} s after the first file: {'identical' if same else 'DIFFERENT'}")
    return identical, lines


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    identical, lines = measure(options.kills, options.seed)
    print("\n".join(lines))
    print(f"{identical} of {options.kills} identical")


if __name__ == "__main__":
    main()
