"""Equal samples at full size: our engine with the FiLM slot fed by CLAP text, and diffusers' AudioLDMPipeline.

The same random weights, seed, scheduler and steps; no download. Also proves at full size that the added attention
branches leave the published U-Net's output as it was.

python -m benchmarks.audioldm_parity [--size s] [--steps 4] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from benchmarks.full_size import PROMPTS
from benchmarks.full_size import SECONDS
from benchmarks.full_size import FullSize
from benchmarks.full_size import diffusers_pipeline
from benchmarks.full_size import largest_difference
from benchmarks.full_size import make_full_size
from benchmarks.full_size import noise_of
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.injection import original_state
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest

SEED = 7
GUIDANCE = 2.0


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--size", choices=("s", "m", "l"), default="s")
    arguments_of.add_argument("--steps", type=int, default=4)
    arguments_of.add_argument("--folder", type=Path, help="keep the weights here (gigabytes) for the next run")
    options = arguments_of.parse_args(arguments)
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = make_full_size(folder, options.size)
        print(f"zero-init identity, {options.size}: {identity(made)}", flush=True)
        gc.collect()
        theirs = from_diffusers(made, steps=options.steps)
        gc.collect()
        ours = from_us(made, steps=options.steps)
    difference = largest_difference(ours, theirs)
    print(
        f"parity, {options.size}, {options.steps} DDIM steps, {SECONDS:g} s: largest difference {difference:.2e} "
        f"at a peak of {np.abs(theirs).max():.3f} ({'equal' if difference <= 1e-4 else 'NOT equal'} within 1e-4)"
    )


def identity(made: FullSize) -> str:
    """Largest difference of one U-Net call with and without the fresh branches, and what became of the keys."""
    latent, condition = torch.randn(1, 8, 64, 16), torch.nn.functional.normalize(torch.randn(1, 512), dim=-1)
    outputs, keys = [], []
    for inject in ("film", "both"):
        injection = made.bundle.component_folder("injection") / "model.safetensors"
        denoiser = Denoiser.load(
            made.bundle.component_folder("unet"),
            condition_width=512,
            inject="both" if inject == "both" else "film",
            injection_file=injection if inject == "both" else None,
        )
        with torch.no_grad():
            outputs.append(denoiser(latent, torch.tensor(500), condition))
        keys.append(set(original_state(denoiser.unet)))
        del denoiser
        gc.collect()
    difference = float((outputs[0] - outputs[1]).abs().max())
    same = "all" if keys[0] == keys[1] else "NOT all"
    return (
        f"largest difference {difference:.1e} of {float(outputs[0].abs().max()):.2f}"
        f"{' (bit-identical)' if torch.equal(*outputs) else ''}, {same} {len(keys[0])} keys kept"
    )


def from_diffusers(made: FullSize, *, steps: int) -> np.ndarray:
    audios: np.ndarray = diffusers_pipeline(made.audioldm)(
        PROMPTS[0],
        audio_length_in_s=SECONDS,
        num_inference_steps=steps,
        guidance_scale=GUIDANCE,
        latents=noise_of(SEED),
    ).audios
    return audios[0]


def from_us(made: FullSize, *, steps: int) -> np.ndarray:
    sampling = SamplingSettings(preset="paper", steps=steps, guidance=GUIDANCE)
    with EngineSession.open(bundle=made.bundle, device="cpu") as session:
        request = TextRequest(prompts=PROMPTS[:1], seeds=(SEED,), seconds=SECONDS, sampling=sampling)
        return session.generate_from_text(request)[0].waveform


if __name__ == "__main__":
    main(sys.argv[1:])
