"""A batch killed with -9 at random moments and resumed, against one that ran undisturbed.

python -m benchmarks.batch_kill [--frames 200] [--kills 10] [--workers 2] [--bundle NAME|FOLDER]

By default with a bundle of the real classes at tiny size, made on the spot: what is tested is what survives. Every
other kill takes only the parent process, as a user or the system's memory killer would; the others take its workers
with it, as a power cut would.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.batch_shot import contents
from benchmarks.batch_shot import draw_shot
from benchmarks.batch_shot import mask_arguments
from benchmarks.batch_shot import start
from benchmarks.common import parser
from sounddesk.storage.batch_rows import read_rows
from tests.tiny_bundle import build_tiny_bundle


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__)
    arguments_of.set_defaults(bundle=None)
    arguments_of.add_argument("--frames", type=int, default=200)
    arguments_of.add_argument("--kills", type=int, default=10)
    arguments_of.add_argument("--workers", type=int, default=2)
    arguments_of.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options = arguments_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        print(kill_and_resume(Path(place), options), flush=True)


def kill_and_resume(place: Path, options: object) -> str:
    frames, kills, workers = options.frames, options.kills, options.workers  # type: ignore[attr-defined]
    bundle = options.bundle or str(build_tiny_bundle(place))  # type: ignore[attr-defined]
    moments = random.Random(options.seed)  # type: ignore[attr-defined]
    shot = place / "shot"
    draw_shot(shot, frames=frames)
    common = ("batch", str(shot), *mask_arguments(shot), "--bundle", bundle, "--workers", str(workers), "--quiet")
    small = ("--seconds", "1", "--steps", "2")
    begin = time.monotonic()
    finish(start(*common, *small, "--out", str(place / "undisturbed")))
    whole_s = time.monotonic() - begin
    out = place / "killed"
    done, reports, early = 0, [], 0
    while done < kills:
        process = start(*common, *small, "--out", str(out), "--resume")
        # At a random number of new rows, and a random moment after the last of them: however slowly the machine starts
        # processes, all kills together fall into the time that the whole work takes. Every fifth comes during start-up.
        wanted = rows_in(out) + (0 if done % 5 == 4 else moments.randint(1, max(1, 4 * frames // kills)))
        while process.poll() is None and rows_in(out) < wanted:
            time.sleep(0.02)
        time.sleep(moments.uniform(0.0, 1.0))
        if process.poll() is not None:
            early += 1
            break
        workers_of = psutil.Process(process.pid).children(recursive=True)
        if done % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(workers_of, timeout=20)
        assert not alive, "a worker outlived its parent"
        done += 1
        reports.append(len({row.frame for row in read_rows(out) if not row.object and row.status == "done"}))
    finish(start(*common, *small, "--out", str(out), "--resume"))
    left = [path for path in out.rglob(".*") if path.is_file()]
    first, second = contents(place / "undisturbed"), contents(out)
    differing = [name for name in first if first[name] != second.get(name)] + [n for n in second if n not in first]
    ended = "" if not early else f" (all was done after {done} kills)"
    return (
        f"batch kill: {frames} frames, {workers} workers, undisturbed in {whole_s:.0f} s; killed {done} times{ended} "
        f"after {reports} frames, then resumed: {len(first)} files, {len(differing)} missing or different, "
        f"{len(left)} leftovers"
    )


def rows_in(out: Path) -> int:
    """Whole rows in the manifest."""
    manifest = out / "manifest.jsonl"
    return manifest.read_bytes().count(b"\n") if manifest.exists() else 0


def finish(process: object) -> None:
    out, err = process.communicate()  # type: ignore[attr-defined]
    if process.returncode != 0:  # type: ignore[attr-defined]
        raise SystemExit(f"the batch ended with {process.returncode}: {err or out}")  # type: ignore[attr-defined]


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(sys.argv[1:])
