"""Four objects of one image at full size: diffusers' AudioLDMPipeline against our engine, pair by pair in one run.

The same random weights, seeds and number of DDIM steps. Diffusers renders object after object, each with its prompt, as
its documentation shows; it is then given our condition vectors, so that the outputs can be compared. Ours renders the
four objects of the image in one request.

Steps are timed one by one, so few of them tell what a step costs and what everything else costs; from these follow
the paper's 200 steps, of both sides, and our fast preset. The first step of a pair warms up and does not count for
the cost of a step.

python -m benchmarks.full_size_speed [--size s] [--steps 3] [--runs 1] [--threads 2] [--folder FOLDER]
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

from benchmarks.common import shapes_request
from benchmarks.full_size import PROMPTS
from benchmarks.full_size import SECONDS
from benchmarks.full_size import diffusers_pipeline
from benchmarks.full_size import largest_difference
from benchmarks.full_size import make_full_size
from benchmarks.full_size import noise_of
from benchmarks.full_size import peak_memory
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import PRESET_STEPS
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import SamplingSettings

SEEDS = (1, 2, 3, 4)
GUIDANCE = 2.0


@dataclass(frozen=True)
class Measured:
    """Seconds per object, by the clock.

    Attributes:
        wall_s: altogether.
        step_s: one denoising step.
        peak_bytes: what the process held at most.
    """

    wall_s: float
    step_s: float
    peak_bytes: int

    def at(self, steps: int, *, measured: int) -> float:
        """Seconds per object with another number of steps."""
        return self.wall_s + (steps - measured) * self.step_s


class Steps:
    """When steps ended, as (seconds, steps done so far); objects that run together count one step each."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, int]] = []

    def note(self, done: int) -> None:
        if not self.ends or self.ends[-1][1] != done:
            self.ends.append((time.perf_counter(), done))

    def mean_s(self, *, at_once: int) -> float:
        """Of one step of one object; the first step of those that run at once warms up and is left out."""
        warm = next(end for end in self.ends if end[1] >= at_once)
        last = self.ends[-1]
        return (last[0] - warm[0]) / (last[1] - warm[1])


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--size", choices=("s", "m", "l"), default="s")
    arguments_of.add_argument("--steps", type=int, default=3)
    arguments_of.add_argument("--runs", type=int, default=1, help="pairs; the best of each side counts")
    arguments_of.add_argument("--threads", type=int, default=2)
    arguments_of.add_argument("--folder", type=Path, help="keep the weights here (gigabytes) for the next run")
    options = arguments_of.parse_args(arguments)
    torch.set_num_threads(options.threads)
    theirs: list[Measured] = []
    ours: list[Measured] = []
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = make_full_size(folder, options.size)
        session = stack.enter_context(EngineSession.open(bundle=made.bundle, device="cpu"))
        pipeline = diffusers_pipeline(made.audioldm)
        session.load()
        for run in range(options.runs):
            theirs.append(measure(lambda noted: by_prompt(pipeline, options.steps, noted=noted), at_once=1))
            request = request_of(options.steps, shade=run)
            ours.append(measure(lambda noted: generate(session, request, noted), at_once=len(SEEDS)))  # noqa: B023
            print(f"{options.steps} steps: diffusers {text(theirs[-1])}; ours {text(ours[-1])}", flush=True)
        report(options.size, best(theirs), best(ours), steps=options.steps)
        difference = compare(session, pipeline, steps=options.steps)
    print(f"largest difference of the four outputs, given the same conditions: {difference:.1e}")


def generate(session: EngineSession, request: GenerationRequest, noted: Steps) -> None:
    session.generate(request, on_progress=lambda report: noted.note(report.done) if report.stage == "denoise" else None)


def request_of(steps: int, *, shade: int, preset: str = "paper") -> GenerationRequest:
    """Four objects of an image that no cache has seen."""
    sampling = SamplingSettings(preset="paper" if preset == "paper" else "fast", steps=steps, guidance=GUIDANCE)
    return shapes_request(4, seconds=SECONDS, seeds=SEEDS, sampling=sampling, shade=shade)


def by_prompt(pipeline: Any, steps: int, *, noted: Steps | None = None, **conditions: Any) -> list[np.ndarray]:
    """Object after object, as a script on diffusers does it."""
    sounds = []
    for index, seed in enumerate(SEEDS):
        chosen = {key: value[index : index + 1] for key, value in conditions.items()}
        prompt = None if chosen else PROMPTS[index]
        # The steps of one object are as good as those of another.
        each = Steps()
        sounds.append(
            pipeline(
                prompt,
                audio_length_in_s=SECONDS,
                num_inference_steps=steps,
                guidance_scale=GUIDANCE,
                latents=noise_of(seed),
                callback=lambda step, _timestep, _latents, each=each: each.note(step + 1),
                callback_steps=1,
                **chosen,
            ).audios[0]
        )
        if noted is not None:
            noted.ends = each.ends
    return sounds


def compare(session: EngineSession, pipeline: Any, *, steps: int) -> float:
    """Largest difference between the four sounds of both, once diffusers is given the conditions of our objects."""
    request = request_of(steps, shade=1)
    ours = session.generate(request)
    conditions = [session.condition(request.image, take) for take in request.takes]
    theirs = by_prompt(
        pipeline,
        steps,
        prompt_embeds=torch.from_numpy(np.stack([each.condition for each in conditions])),
        negative_prompt_embeds=torch.from_numpy(np.stack([each.null for each in conditions])),
    )
    return max(largest_difference(take.waveform, sound) for take, sound in zip(ours, theirs, strict=True))


def measure(work: Callable[[Steps], Any], *, at_once: int) -> Measured:
    gc.collect()
    noted = Steps()
    with peak_memory() as largest:
        start_s = time.perf_counter()
        work(noted)
        wall_s = time.perf_counter() - start_s
    return Measured(wall_s=wall_s / len(SEEDS), step_s=noted.mean_s(at_once=at_once), peak_bytes=largest[0])


def best(runs: list[Measured]) -> Measured:
    return Measured(
        wall_s=min(run.wall_s for run in runs),
        step_s=min(run.step_s for run in runs),
        peak_bytes=max(run.peak_bytes for run in runs),
    )


def text(measured: Measured) -> str:
    peak_gib = measured.peak_bytes / 2**30
    return f"{measured.wall_s:.1f} s an object, of which a step {measured.step_s:.2f} s; {peak_gib:.1f} GiB"


def report(size: str, theirs: Measured, ours: Measured, *, steps: int) -> None:
    paper, fast = PRESET_STEPS["paper"], PRESET_STEPS["fast"]
    at = {n: (theirs.at(n, measured=steps), ours.at(n, measured=steps)) for n in (paper, fast)}
    print(
        f"{size}, {SECONDS:g} s, an object: a step {theirs.step_s:.2f} against {ours.step_s:.2f} s "
        f"({theirs.step_s / ours.step_s:.2f} times), all else {theirs.at(0, measured=steps):.2f} against "
        f"{ours.at(0, measured=steps):.2f} s; so {paper} steps {at[paper][0]:.0f} against {at[paper][1]:.0f} s "
        f"({at[paper][0] / at[paper][1]:.2f} times), {fast} steps {at[fast][0]:.0f} against {at[fast][1]:.0f} s "
        f"({at[fast][0] / at[fast][1]:.2f} times), and our fast preset {at[paper][0] / at[fast][1]:.1f} times "
        f"faster than their {paper} steps"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
