"""Training of the latent codec (VAE) on log-mel crops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch import nn

from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.specs import AudioSpec
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.soundscapes import crop_batch
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry


@dataclass(frozen=True, kw_only=True)
class CodecModelRecipe:
    """Width of the VAE and weight of its KL term; `seconds` is the crop length."""

    width: int = 128
    layers_per_block: int = 1
    kl_weight: float = 1e-4
    seconds: float = 2.56


class CodecTask:
    """L1 on the log-mel plus L1 on its differences in time and frequency, and a light KL term.

    The difference terms keep harmonics and onsets sharp, which plain L1 averages away.
    """

    def __init__(self, recipe: CodecModelRecipe, *, spec: AudioSpec, data_dir: Path) -> None:
        self.recipe = recipe
        self.spec = spec
        channels = spec.latent.mel_fold[0] * spec.latent.mel_fold[1]
        vae = AutoencoderKL(
            in_channels=channels,
            out_channels=channels,
            block_out_channels=(recipe.width,),
            down_block_types=("DownEncoderBlock2D",),
            up_block_types=("UpDecoderBlock2D",),
            latent_channels=spec.latent.channels,
            layers_per_block=recipe.layers_per_block,
            mid_block_add_attention=False,
            scaling_factor=1.0,
        )
        self.codec = LatentCodec(vae, spec)
        self.learning_rate_factors: Mapping[str, float] = {}
        self.module: nn.Module = self.codec
        self.log_mel = LogMel(spec.mel)
        self.recordings = [r.samples for r in read_recordings(data_dir)]
        self.length = round(recipe.seconds * spec.mel.sample_rate_hz)

    def _mels(self, rng: np.random.Generator, batch_size: int) -> Tensor:
        batch = crop_batch(self.recordings, length=self.length, batch_size=batch_size, rng=rng, peak=self.spec.mel.peak)
        with torch.autocast("cpu", enabled=False):
            mel: Tensor = self.log_mel(torch.from_numpy(batch))
        return mel

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        mel = self._mels(rng, batch_size)
        posterior = self.codec.vae.encode(self.codec.to_blocks(mel)).latent_dist
        decoded = self.codec.from_blocks(self.codec.vae.decode(posterior.sample()).sample).float()
        error = (decoded - mel).abs().mean()
        time = (decoded.diff(dim=1) - mel.diff(dim=1)).abs().mean()
        freq = (decoded.diff(dim=2) - mel.diff(dim=2)).abs().mean()
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        loss = error + 0.5 * (time + freq) + self.recipe.kl_weight * kl
        return loss, {"l1": error.item(), "kl": kl.item()}

    def export(self, folder: Path) -> None:
        """Set scaling_factor = 1 / std of the latents (AudioLDM's rule, over 256 crops), then save."""
        rng = np.random.default_rng(0)
        with torch.no_grad():
            latents = [self.codec.vae.encode(self.codec.to_blocks(self._mels(rng, 32))).latent_dist for _ in range(8)]
            std = torch.cat([latent.sample() for latent in latents]).std().item()
        self.codec.vae.register_to_config(scaling_factor=1.0 / std)
        self.codec.save(folder / "vae")


def _make(recipe: RunRecipe, model: Any, _context: TaskContext) -> CodecTask:
    return CodecTask(model, spec=recipe.audio.spec(), data_dir=recipe.data)


TASKS.register(TaskEntry(name="codec", summary="the latent codec", model_recipe=CodecModelRecipe, make=_make))
