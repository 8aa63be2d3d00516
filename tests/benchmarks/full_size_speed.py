"""Four objects of one image at full size: diffusers' AudioLDMPipeline against our engine, pair by pair in one run.

The same random weights, seeds and number of DDIM steps. Diffusers renders object after object, each with its prompt, as
its documentation shows; it is then given our condition vectors, so that the outputs can be compared. Ours renders the
four objects of the image in one request. Wall time and processor time: on a busy machine only the latter counts.

The share of one step and of everything else is found from two numbers of steps, from which the time at the paper's 200
steps and of the fast preset follow.

python -m tests.benchmarks.full_size_speed [--size s] [--steps 2] [--runs 1] [--threads 2] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sounddesk.engine.pipeline import encode_patches
from sounddesk.engine.session import EngineSession
from sounddesk.engine.take_conditions import make_conditions
from sounddesk.engine.types import PRESET_STEPS
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import SamplingSettings
from tests.benchmarks.common import shapes_request
from tests.benchmarks.full_size import PROMPTS
from tests.benchmarks.full_size import SECONDS
from tests.benchmarks.full_size import diffusers_pipeline
from tests.benchmarks.full_size import largest_difference
from tests.benchmarks.full_size import make_full_size
from tests.benchmarks.full_size import noise_of
from tests.benchmarks.full_size import peak_memory

SEEDS = (1, 2, 3, 4)
GUIDANCE = 2.0


@dataclass(frozen=True)
class Measured:
    """Seconds per object, of the clock and of the processor, and what the process held at most."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--size", choices=("s", "m", "l"), default="s")
    arguments_of.add_argument("--steps", type=int, default=2)
    arguments_of.add_argument("--runs", type=int, default=1, help="pairs; the best of each side counts")
    arguments_of.add_argument("--threads", type=int, default=2)
    arguments_of.add_argument("--folder", type=Path, help="keep the weights here (gigabytes) for the next run")
    options = arguments_of.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = make_full_size(folder, options.size)
        session = stack.enter_context(EngineSession.open(bundle=made.bundle, device="cpu"))
        session.load()
        pipeline = diffusers_pipeline(made.audioldm)
        theirs: dict[int, list[Measured]] = {}
        ours: dict[int, list[Measured]] = {}
        for steps in (options.steps, 2 * options.steps):
            for run in range(options.runs):
                request = request_of(steps, shade=run + 10 * steps)
                first = [measure(lambda: by_prompt(pipeline, steps)), measure(lambda: session.generate(request))]  # noqa: B023
                theirs.setdefault(steps, []).append(first[0])
                ours.setdefault(steps, []).append(first[1])
                print(f"{steps} steps: diffusers {text(first[0])}; ours {text(first[1])}", flush=True)
        difference = compare(session, pipeline, steps=options.steps)
    report(options.size, theirs, ours)
    print(f"largest difference of the four outputs, given the same conditions: {difference:.1e}")


def request_of(steps: int, *, shade: int, preset: str = "paper") -> GenerationRequest:
    """Four objects of an image that no cache has seen."""
    sampling = SamplingSettings(preset="paper" if preset == "paper" else "fast", steps=steps, guidance=GUIDANCE)
    return shapes_request(4, seconds=SECONDS, seeds=SEEDS, sampling=sampling, shade=shade)


def by_prompt(pipeline: Any, steps: int, **conditions: Any) -> list[np.ndarray]:
    """Object after object, as a script on diffusers does it."""
    sounds = []
    for index, seed in enumerate(SEEDS):
        chosen = {key: value[index : index + 1] for key, value in conditions.items()}
        prompt = None if chosen else PROMPTS[index]
        sounds.append(
            pipeline(
                prompt,
                audio_length_in_s=SECONDS,
                num_inference_steps=steps,
                guidance_scale=GUIDANCE,
                latents=noise_of(seed),
                **chosen,
            ).audios[0]
        )
    return sounds


def compare(session: EngineSession, pipeline: Any, *, steps: int) -> float:
    """Largest difference between the four sounds of both, once diffusers is given the conditions of our objects."""
    request = request_of(steps, shade=1)
    ours = session.generate(request)
    engine = session._load()
    conditions = make_conditions(
        request.takes,
        encode_patches(request.image, engine),
        conditioner=engine.components.conditioner,
        text_encoder=None,
    )
    theirs = by_prompt(
        pipeline, steps, prompt_embeds=conditions.condition, negative_prompt_embeds=conditions.null.contiguous()
    )
    return max(largest_difference(take.waveform, sound) for take, sound in zip(ours, theirs, strict=True))


def measure(work: Callable[[], Any]) -> Measured:
    gc.collect()
    with peak_memory() as largest:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(wall_s / len(SEEDS), cpu_s / len(SEEDS), largest[0])


def text(measured: Measured) -> str:
    return (
        f"{measured.wall_s:.1f} s an object by the clock, {measured.cpu_s:.1f} s of processor, "
        f"{measured.peak_bytes / 2**30:.1f} GiB"
    )


def report(size: str, theirs: dict[int, list[Measured]], ours: dict[int, list[Measured]]) -> None:
    few, many = sorted(theirs)
    for what in ("wall_s", "cpu_s"):
        best = {
            name: {steps: min(getattr(m, what) for m in runs[steps]) for steps in (few, many)}
            for name, runs in (("diffusers", theirs), ("ours", ours))
        }
        step = {name: (times[many] - times[few]) / (many - few) for name, times in best.items()}
        rest = {name: times[few] - few * step[name] for name, times in best.items()}
        at = {name: {n: rest[name] + n * step[name] for n in (*PRESET_STEPS.values(),)} for name in best}
        print(
            f"{size}, {what}: {many} steps {best['diffusers'][many]:.2f} against {best['ours'][many]:.2f} s an object "
            f"({best['diffusers'][many] / best['ours'][many]:.2f} times); one step {step['diffusers']:.2f} against "
            f"{step['ours']:.2f}, all else {rest['diffusers']:.2f} against {rest['ours']:.2f}; so at "
            f"{PRESET_STEPS['paper']} steps {at['diffusers'][200] / at['ours'][200]:.2f} times, and the fast preset "
            f"({PRESET_STEPS['fast']} steps) {at['diffusers'][200] / at['ours'][20]:.1f} times faster than 200 there"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
