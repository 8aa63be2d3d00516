"""Mix and export of many stems: times real time, and peak memory over the length of the timeline.

python -m benchmarks.export_speed [--lanes 64] [--seconds 60] [--format wav24] [--repeats 3] [--folder FOLDER]

The clock runs until every file, with its loudness measured and its metadata written, is flushed to the disk and has
its name. Takes are noise at 48 kHz, which no meter can skip.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from sounddesk.audio.exporters.export import export_project
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip

TAKE_S = 30.0


def scene(lanes: int, seconds: float) -> tuple[Project, TakeLibrary]:
    """Lanes that each play noise from beginning to end, going round where the timeline is longer than the take."""
    noise = np.random.default_rng(0).standard_normal(round(TAKE_S * 48_000)).astype(np.float32) * np.float32(0.02)
    take = Take(
        id="t", object_id="o0", number=1, seed=0, waveform=noise, sample_rate_hz=48_000, recipe={}, created=""
    )  # fmt: skip
    mask = TiledMask.empty(width=2, height=2)
    project = Project(
        objects=tuple(SceneObject(id=f"o{i}", name=f"object {i}", mask=mask, seed=0) for i in range(lanes)),
        clips=tuple(
            Clip(id=f"c{i}", object_id=f"o{i}", take_id="t", start_s=0.0, duration_s=seconds, looped=True)
            for i in range(lanes)
        ),
        settings=ProjectSettings(timeline_s=seconds),
    )
    return project, TakeLibrary([take])


def export_once(lanes: int, seconds: float, settings: ExportSettings, folder: Path) -> tuple[float, float, int]:
    """Seconds by the clock, seconds of processor time, and peak resident memory in bytes of a fresh process."""
    project, takes = scene(lanes, seconds)
    waveform = takes["t"].waveform
    place = Path(tempfile.mkdtemp(dir=folder))
    plan = plan_export(project, takes, settings, name="bench")
    start, worked = time.perf_counter(), time.process_time()
    export_project(project, takes, lambda _take_id: waveform, plan, place / "out", licences={})
    spent = time.perf_counter() - start, time.process_time() - worked
    shutil.rmtree(place)
    memory = psutil.Process().memory_info()
    return (*spent, getattr(memory, "peak_wset", 0) or _peak_rss())


def _peak_rss() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--format", default="wav24")
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--mono", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args(arguments)
    settings = ExportSettings(
        format=options.format, sample_rate_hz=options.rate, channels="mono" if options.mono else "stereo"
    )
    context = multiprocessing.get_context("spawn")
    for _ in range(options.repeats):
        with context.Pool(1) as pool:
            clock_s, cpu_s, peak = pool.apply(export_once, (options.lanes, options.seconds, settings, options.folder))
        print(
            f"{options.lanes} stems of {options.seconds:g} s and the mix: {clock_s:.2f} s, "
            f"{options.seconds / clock_s:.1f} times real time; {cpu_s:.2f} s of processor time; "
            f"peak memory {peak / 2**20:.0f} MiB; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
    for seconds in (options.seconds, 4 * options.seconds):
        with context.Pool(1) as pool:
            _, _, peak = pool.apply(export_once, (4, seconds, settings, options.folder))
        print(f"4 stems of {seconds:g} s: peak memory {peak / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
