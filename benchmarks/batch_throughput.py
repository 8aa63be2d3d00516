"""Speed of `sounddesk batch` against a shell loop over `sounddesk render`, and of Ray with two workers against one.

python -m benchmarks.batch_throughput [--frames 50] [--loop 50] [--seconds 2] [--workers 2] [--ray]
    [--bundle NAME|FOLDER]

Two objects a frame, given by masks, each process as a user starts it. `--loop` renders only so many frames by the
loop, whose time grows with their number. With `--ray` one Ray worker and two are compared instead, one thread each;
there the start of Ray and the loading of the models are left out: the clock runs from the moment when each worker has
rendered its first frames to the last frame.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.batch_shot import ROOT
from benchmarks.batch_shot import draw_shot
from benchmarks.batch_shot import mask_arguments
from benchmarks.batch_shot import sounddesk_command
from benchmarks.common import parser
from sounddesk.storage.batch_rows import read_rows


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--frames", type=int, default=50)
    arguments_of.add_argument("--loop", type=int, help="frames of the shell loop (default: all)")
    arguments_of.add_argument("--seconds", type=float, default=2.0)
    arguments_of.add_argument("--workers", type=int, default=2)
    arguments_of.add_argument("--ray", action="store_true")
    options = arguments_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        shot = Path(place) / "shot"
        draw_shot(shot, frames=options.frames)
        common = [*mask_arguments(shot), "--seconds", str(options.seconds), "--bundle", options.bundle, "--quiet"]
        if options.ray:
            print(ray_against_ray(Path(place), shot, common, frames=options.frames))
        else:
            print(batch_against_loop(Path(place), shot, common, options))


def batch_against_loop(place: Path, shot: Path, common: list[str], options: object) -> str:
    frames, workers = options.frames, options.workers  # type: ignore[attr-defined]
    looped = min(frames, options.loop or frames)  # type: ignore[attr-defined]
    batch_s = seconds_of(["batch", str(shot), *common, "--workers", str(workers), "--out", str(place / "batch")])
    loop_s = 0.0
    for number, frame in enumerate(sorted(shot.glob("*.png"))[:looped]):
        loop_s += seconds_of(["render", str(frame), *common, "--out", str(place / f"loop-{number}")])
    ratio = (loop_s / looped) / (batch_s / frames)
    return (
        f"batch of {frames} frames, 2 objects each, {workers} workers: {batch_s:.1f} s, {batch_s / frames:.2f} s each; "
        f"shell loop over {looped} of them: {loop_s:.1f} s, {loop_s / looped:.2f} s each; {ratio:.1f} times; {load()}"
    )


def ray_against_ray(place: Path, shot: Path, common: list[str], *, frames: int) -> str:
    each: dict[int, float] = {}
    for workers in (1, 2):
        out = place / f"ray-{workers}"
        seconds_of(["batch", str(shot), *common, "--executor", "ray", "--workers", str(workers), "--out", str(out)])
        finished = sorted(
            dt.datetime.fromisoformat(row.finished) for row in read_rows(out) if not row.object and row.status == "done"
        )
        assert len(finished) == frames
        # By then every worker has its model and has rendered a frame.
        warm = finished[2 * workers - 1 :]
        each[workers] = (warm[-1] - warm[0]).total_seconds() / (len(warm) - 1)
    return (
        f"ray: {each[1]:.2f} s a frame with one worker, {each[2]:.2f} s with two, "
        f"{each[1] / each[2]:.2f} times; {load()}"
    )


def seconds_of(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(sounddesk_command(*arguments), check=True, cwd=ROOT)
    return time.perf_counter() - start


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    main(sys.argv[1:])
