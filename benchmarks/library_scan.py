"""How quickly a library is scanned, and how much memory that takes.

python -m benchmarks.library_scan [--minutes 20] [--folder FOLDER] [--profile]

Without a folder the recordings are made: barks, steps and rain of 2 s to 60 s at 44.1 and 48 kHz, as FLAC and WAV. The
floor is 20 times real time on 2 cores. Memory is read after a tenth of the files and at the end: it has to stay flat.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.common import parser
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.engine.library.scan import ScanReport
from sounddesk.engine.library.scan import scan
from sounddesk.storage.library.library import Library

LENGTHS_S = (2.0, 4.0, 8.0, 20.0, 60.0)


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--minutes", type=float, default=20.0, help="of sound that is made (default: 20)")
    options_of.add_argument("--folder", type=Path, help="scan these recordings instead")
    options_of.add_argument("--profile", action="store_true", help="say where the time goes")
    options = options_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folder = options.folder or make_recordings(Path(work) / "recordings", seconds=60 * options.minutes)
        ears = LibraryEars()
        # Loaded before: the floor is about a night's scan, not about the first second.
        ears.kinds.encode(["sound"])
        next(ears.encoder.embed([(np.zeros(44_100, np.float32), 44_100)]))
        memory: list[float] = []
        with Library(Path(work) / "library.sqlite") as library, cProfile.Profile() as profile:
            if not options.profile:
                profile.disable()
            library.add_folder(folder)
            begin_cpu = time.process_time()
            report = scan(library, ears=ears, on_progress=lambda _step: watch(memory))
            busy_s = time.process_time() - begin_cpu
    print(line(report, busy_s, memory))
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


def make_recordings(folder: Path, *, seconds: float) -> Path:
    """Recordings of barks, steps and rain, `seconds` of them at least in all."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    number, made_s = 0, 0.0
    while made_s < seconds:
        length_s, rate = LENGTHS_S[number % len(LENGTHS_S)], (44_100, 48_000)[number % 2]
        n = round(length_s * rate)
        samples = rng.normal(0, 0.02 if number % 3 else 0.1, n)
        if number % 3:
            # Events at every 0.6 s or so, over a background.
            for start in range(0, n - rate // 2, round(rate * rng.uniform(0.5, 0.9))):
                burst = rate // 4
                samples[start : start + burst] += rng.normal(0, 0.3, burst) * np.exp(-8 * np.arange(burst) / burst)
        name = ("rain", "dog_bark", "steps")[number % 3]
        path = folder / f"{name}_{number:05d}.{('flac', 'wav')[number % 2]}"
        soundfile.write(path, np.clip(samples, -1, 1), rate, subtype="PCM_16")
        number, made_s = number + 1, made_s + length_s
    return folder


def watch(memory: list[float]) -> None:
    """Note the resident memory after each file, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory.append(pages * 4096 / 1e6)


def line(report: ScanReport, busy_s: float, memory: Sequence[float]) -> str:
    first = memory[len(memory) // 10]
    return (
        f"{report.scanned} recordings, {report.seconds:.0f} s of sound in {report.elapsed_s:.1f} s: "
        f"{report.seconds / report.elapsed_s:.1f} times real time by the clock, "
        f"{report.seconds / max(1e-9, busy_s):.1f} times by the processor time of all cores; memory "
        f"{first:.0f} MB after a tenth, {max(memory):.0f} MB at most, {memory[-1]:.0f} MB at "
        f"the end; {len(report.problems)} files that cannot be used"
    )


if __name__ == "__main__":
    main()
