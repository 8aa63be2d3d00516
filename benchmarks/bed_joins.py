"""A continuous bed of 60 s from 30 frames, against the sounds of the 30 frames put one behind the other.

python -m benchmarks.bed_joins [--bundle NAME] [--frames 30] [--seconds 60] [--steps N] [--keep FOLDER]

A camera moves towards the demo's scene: objects grow and drift outwards. For each object, bed and concatenation:
- the largest step of the short-term loudness (3 s, EBU Tech 3341, every 100 ms) while a join enters or leaves its
  window, and the largest one elsewhere;
- the largest sample difference within 5 ms of a join, against the largest one elsewhere: a click stands out.
Joins are where windows of the bed begin or end and where frames change; in the concatenation, where sounds are cut.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.common import parser
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.batch.bed import Place
from sounddesk.batch.bed import follow
from sounddesk.cli.main import main as sounddesk
from sounddesk.resources_folder import resource

UPDATE_S = 0.1
WINDOW_S = 3.0
NEAR_S = 0.005


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--frames", type=int, default=30)
    arguments_of.add_argument("--seconds", type=float, default=60.0)
    arguments_of.add_argument("--steps", type=int)
    arguments_of.add_argument("--object", action="append", help="names of the demo's objects (default: dog, duck)")
    arguments_of.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what was made here")
    options = arguments_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(options.keep or temporary)
        names = options.object or ["dog", "duck"]
        masks = draw_push_in(place / "shot", frames=options.frames, names=names)
        shared = [*masks, "--ambience", "--bundle", options.bundle, "--workers", "1", "--quiet", "--resume"]
        shared += ["--steps", str(options.steps)] if options.steps else []
        frame_s = options.seconds / options.frames
        run("batch", str(place / "shot"), *shared, "--bed", "--fps", str(1 / frame_s), "--out", str(place / "bed"))
        run("batch", str(place / "shot"), *shared, "--seconds", str(frame_s), "--out", str(place / "frames"))
        for name in (*names, "ambience"):
            print(compare(place, name, frame_s=frame_s), flush=True)


def run(*arguments: str) -> None:
    if sounddesk(arguments) != 0:
        raise SystemExit("the batch failed: no figure")


def draw_push_in(folder: Path, *, frames: int, names: Sequence[str]) -> list[str]:
    """Frames of the demo's scene, the last one showing two thirds of it; arguments with the masks of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = Image.open(resource("demo") / "scene.webp").convert("RGB")
    width, height = scene.size
    for number in range(frames):
        cut = number / max(1, frames - 1) / 6
        box = (width * cut, height * cut, width * (1 - cut), height * (1 - cut))
        scene.resize((width // 2, height // 2), Image.Resampling.LANCZOS, box=box).save(folder / f"f.{number:04d}.png")
    arguments = []
    for name in names:
        mask = Image.open(resource("demo") / "masks" / f"{name}.png").resize((width // 2, height // 2))
        mask.save(folder.parent / f"{name}.png")
        arguments += ["--mask", f"{name}@{folder.parent / name}.png"]
    return arguments


def compare(place: Path, name: str, *, frame_s: float) -> str:
    rows = [json.loads(line) for line in (place / "bed" / "manifest.jsonl").read_text().splitlines()]
    settings = next(row["settings"] for row in rows if row["object"] == name)
    bed = read_sound(place / "bed" / "beds" / f"{name}.wav")
    parts = [read_sound(path) for path in sorted((place / "frames").glob(f"*/{name}.wav"))]
    joined = np.concatenate([part.samples for part in parts])
    places = [Place(time_s=time_s, gain=gain, pan=pan) for time_s, gain, pan in settings["automation"]]
    # The same gain and pan as the bed: only the joins are compared.
    joined = follow(joined, places, sample_rate_hz=bed.sample_rate_hz)
    cuts = [frame_s * number for number in range(1, len(parts))]
    lines = [f"bed joins, {name!r}, {bed.seconds:g} s from {len(parts)} frames:"]
    for label, samples, joins in (
        ("bed", bed.samples, sorted({*settings["joins_s"], *cuts})),
        ("concatenation", joined, cuts),
    ):
        step, elsewhere = loudness_steps(samples, bed.sample_rate_hz, joins)
        jump, usual = sample_differences(samples, bed.sample_rate_hz, joins)
        lines.append(
            f"  {label}: largest short-term step {step:.2f} dB at {len(joins)} joins, {elsewhere:.2f} dB elsewhere; "
            f"largest sample difference {jump:.4f} at joins, {usual:.4f} elsewhere"
        )
    return "\n".join(lines)


def loudness_steps(samples: np.ndarray, rate_hz: int, joins_s: Sequence[float]) -> tuple[float, float]:
    """Largest change of the short-term loudness from one update to the next (dB): at joins, and elsewhere."""
    meter = LoudnessMeter(sample_rate_hz=rate_hz, channels=2)
    block = round(UPDATE_S * rate_hz)
    levels = []
    for start in range(0, len(samples) - block + 1, block):
        meter.push(samples[start : start + block])
        levels.append(meter.short_term_lufs)
    at, elsewhere = [0.0], [0.0]
    for index in range(1, len(levels)):
        before, after = levels[index - 1], levels[index]
        if before is None or after is None or not np.isfinite([before, after]).all():
            continue
        # A join enters the window with its newest block, and leaves it with its oldest.
        begin_s, end_s = index * UPDATE_S, (index + 1) * UPDATE_S
        edges = ((begin_s, end_s), (begin_s - WINDOW_S, end_s - WINDOW_S))
        joined = any(begin - UPDATE_S <= join <= end for join in joins_s for begin, end in edges)
        (at if joined else elsewhere).append(abs(after - before))
    return max(at), max(elsewhere)


def sample_differences(samples: np.ndarray, rate_hz: int, joins_s: Sequence[float]) -> tuple[float, float]:
    """Largest difference of neighbouring samples: within 5 ms of a join, and elsewhere."""
    difference = np.abs(np.diff(samples, axis=0)).max(axis=1)
    near = np.zeros(len(difference), dtype=np.bool_)
    for join in joins_s:
        near[max(0, round((join - NEAR_S) * rate_hz)) : round((join + NEAR_S) * rate_hz)] = True
    return float(difference[near].max()), float(difference[~near].max())


if __name__ == "__main__":
    main(sys.argv[1:])
