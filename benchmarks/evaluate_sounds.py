"""How long `sounddesk evaluate sounds` takes with the metrics that ship, and whether a stopped run goes on.

python -m benchmarks.evaluate_sounds [--clips 1000] [--systems 3] [--seconds 10] [--profile]

The sounds are made: noise of other bands at 16 kHz, with a reference and a picture for each clip; 1,000 clips take
1.3 GB in the temporary folder. The run is stopped after a third of its sounds and started again, and the time is that
of both together. The floor is 15 minutes for 1,000 clips of 3 systems on 2 cores.
"""

from __future__ import annotations

import contextlib
import cProfile
import json
import pstats
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.common import parser
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sounds import sounds

RATE_HZ = 16_000
FLOOR_S = 15 * 60.0


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--clips", type=int, default=1000, help="default: 1000")
    options_of.add_argument("--systems", type=int, default=3, help="default: 3")
    options_of.add_argument("--seconds", type=float, default=10.0, help="of each sound (default: 10)")
    options_of.add_argument("--profile", action="store_true", help="say where the time of the main thread goes")
    options = options_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        names = make_material(folder, clips=options.clips, systems=options.systems, seconds=options.seconds)
        begin_s, begin_cpu_s = time.monotonic(), time.process_time()
        kept = stop_early(folder, names)
        with cProfile.Profile() as profile:
            if not options.profile:
                profile.disable()
            measure(folder, names)
        took_s, busy_s = time.monotonic() - begin_s, time.process_time() - begin_cpu_s
    share = 1000 * 3 / (options.clips * options.systems)
    print(
        f"{options.clips} clips x {options.systems} systems of {options.seconds:g} s: {took_s:.0f} s, {busy_s:.0f} s "
        f"of processor time, stopped and resumed with {kept} sounds heard; at this pace "
        f"1,000 x 3 take {took_s * share:.0f} s (floor {FLOOR_S:.0f} s)"
    )
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


def make_material(folder: Path, *, clips: int, systems: int, seconds: float) -> list[str]:
    """A manifest, and the sounds of each system and the references; names of the systems."""
    rng = np.random.default_rng(0)
    names = [f"system{number}" for number in range(systems)]
    for name in ("real", *names):
        (folder / name).mkdir()
    rows = []
    for clip in range(clips):
        picture = folder / f"{clip}.png"
        cv2.imwrite(str(picture), rng.integers(0, 255, (240, 320, 3), dtype=np.uint8))
        rows.append(
            {
                "id": str(clip),
                "image": picture.name,
                "object": "dog",
                "caption": "a dog",
                "reference": f"real/{clip}.wav",
            }
        )
        for name in ("real", *names):
            noise = rng.standard_normal(round(seconds * RATE_HZ)).astype(np.float32)
            burst = np.convolve(noise, np.ones(int(rng.integers(1, 9))), mode="same") * 0.05
            data, _ = encode_wav(burst.astype(np.float32), sample_rate_hz=RATE_HZ, wav_format="PCM_16")
            (folder / name / f"{clip}.wav").write_bytes(data)
    (folder / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return names


def stop_early(folder: Path, names: Sequence[str]) -> int:
    """Start and stop after a third of all sounds; how many were heard."""
    cancel = CancelToken()

    def watch(progress: Progress) -> None:
        if progress.stage == "effects" and progress.total and progress.done >= progress.total / 3:
            cancel.cancel()

    with contextlib.suppress(Cancelled):
        measure(folder, names, progress=watch, cancel=cancel)
    return sum(len(path.read_text().splitlines()) for path in (folder / "report" / "features").glob("*.jsonl"))


def measure(folder: Path, names: Sequence[str], **options: object) -> None:
    sounds.run(
        system=[f"{name}={folder / name}" for name in names],
        manifest=folder / "clips.jsonl",
        out=folder / "report",
        metrics=[metric.name for metric in METRICS if metric.origin == "ours"],
        examples=2,
        **options,  # type: ignore[arg-type]
    )


if __name__ == "__main__":
    main()
