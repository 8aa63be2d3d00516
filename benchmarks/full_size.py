"""What the full-size benchmarks share: random weights at the published sizes, and diffusers' own pipeline on them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from sounddesk.engine.bundles.assembly import AssemblyParts
from sounddesk.engine.bundles.assembly import assemble_bundle
from sounddesk.engine.bundles.bundle import RANDOM_SUFFIX
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.random_parts import PAPER_SHAPES
from sounddesk.engine.bundles.random_parts import PaperSize
from sounddesk.engine.bundles.random_parts import write_random_audioldm
from sounddesk.engine.bundles.random_parts import write_random_clip
from sounddesk.engine.licence import Licence

SECONDS = 10.24
LATENT = (1, 8, 256, 16)
PROMPTS = ("a dog barks", "rain on a roof", "a car passes", "church bells")


@dataclass(frozen=True, kw_only=True)
class FullSize:
    """The published folders with random weights, and the bundle assembled of them."""

    audioldm: Path
    bundle: Bundle


def make_full_size(folder: Path, size: PaperSize) -> FullSize:
    """Write both below `folder`, or find them there from an earlier run."""
    audioldm, clip, bundle = folder / f"audioldm-{size}", folder / "clip", folder / f"paper-{size}{RANDOM_SUFFIX}"
    if not bundle.is_dir():
        write_random_audioldm(audioldm, PAPER_SHAPES[size])
        write_random_clip(clip, PAPER_SHAPES[size])
        licence = Licence(name="none needed: random numbers", commercial="yes")
        assemble_bundle(AssemblyParts(audioldm=audioldm, clip=clip, licence=licence), bundle, name=bundle.name)
    return FullSize(audioldm=audioldm, bundle=Bundle.open(bundle))


def diffusers_pipeline(audioldm: Path) -> Any:
    """AudioLDMPipeline of the published parts, as its documentation loads it."""
    from diffusers import AudioLDMPipeline
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from transformers import AutoTokenizer
    from transformers.models.clap.modeling_clap import ClapTextModelWithProjection
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

    pipeline = AudioLDMPipeline(
        vae=AutoencoderKL.from_pretrained(audioldm / "vae"),
        text_encoder=ClapTextModelWithProjection.from_pretrained(audioldm / "text_encoder").eval(),
        tokenizer=AutoTokenizer.from_pretrained(audioldm / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(audioldm / "unet"),
        scheduler=DDIMScheduler.from_pretrained(audioldm / "scheduler"),
        vocoder=SpeechT5HifiGan.from_pretrained(audioldm / "vocoder").eval(),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def noise_of(seed: int) -> torch.Tensor:
    """The starting latent that our engine draws for this seed, to hand it to diffusers too."""
    return torch.randn(LATENT, generator=torch.Generator("cpu").manual_seed(seed))


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)).max())


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Largest resident size in bytes within the block, sampled every 20 ms; filled in when the block ends."""
    process, largest, stop = psutil.Process(os.getpid()), [0], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            largest[0] = max(largest[0], process.memory_info().rss)
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield largest
    finally:
        stop.set()
        thread.join()
