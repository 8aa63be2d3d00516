"""Log-mel spectrogram to latent and back: diffusers' AutoencoderKL with an optional fold."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch import nn

from sounddesk.engine.models.diffusers_weights import load_diffusers_model
from sounddesk.engine.specs import AudioSpec


def fold_mel(log_mel: Tensor, fold: tuple[int, int]) -> Tensor:
    """Space to depth: float[B, 1, T, F] -> float[B, ft * ff, T / ft, F / ff]."""
    time, freq = fold
    batch, _, frames, bins = log_mel.shape
    blocks = log_mel.reshape(batch, frames // time, time, bins // freq, freq)
    return blocks.permute(0, 2, 4, 1, 3).reshape(batch, time * freq, frames // time, bins // freq)


def unfold_mel(blocks: Tensor, fold: tuple[int, int]) -> Tensor:
    """Inverse of `fold_mel`."""
    time, freq = fold
    batch, _, rows, cols = blocks.shape
    grid = blocks.reshape(batch, time, freq, rows, cols).permute(0, 3, 1, 4, 2)
    return grid.reshape(batch, 1, rows * time, cols * freq)


class LatentCodec(nn.Module):
    """The VAE with its geometry and its scaling factor.

    Without a fold this is AudioLDM's VAE as it is. With a fold the mel is rearranged into
    `mel_fold` blocks first, which puts the convolutions on the small grid: the same class at a
    sixteenth of the cost (see `resources/manual/decisions.md`). A folded mel is also brought to about
    zero mean and unit variance, which AudioLDM's raw log-mel is not.
    """

    FOLDED_MEAN = -5.0
    FOLDED_STD = 3.0

    def __init__(self, vae: AutoencoderKL, spec: AudioSpec) -> None:
        super().__init__()
        self.vae = vae
        self.spec = spec
        self._folded = spec.latent.mel_fold != (1, 1)

    @property
    def scaling_factor(self) -> float:
        """Read from the VAE's own configuration, never estimated again (AudioLDM 1.2)."""
        return float(self.vae.config["scaling_factor"])

    def to_blocks(self, log_mel: Tensor) -> Tensor:
        """float[B, T, F] -> the VAE's input."""
        image = log_mel[:, None]
        if not self._folded:
            return image
        return (fold_mel(image, self.spec.latent.mel_fold) - self.FOLDED_MEAN) / self.FOLDED_STD

    def from_blocks(self, blocks: Tensor) -> Tensor:
        """The VAE's output -> float[B, T, F]."""
        if not self._folded:
            return blocks[:, 0]
        return unfold_mel(blocks * self.FOLDED_STD + self.FOLDED_MEAN, self.spec.latent.mel_fold)[:, 0]

    def encode(self, log_mel: Tensor, *, generator: torch.Generator | None = None, sample: bool = True) -> Tensor:
        """Log-mel float[B, T, F] -> scaled latent float[B, C, T / time_factor, F / freq_factor].

        With `sample` the posterior is sampled (as in training), else its mean is taken.
        """
        posterior = self.vae.encode(self.to_blocks(log_mel)).latent_dist
        latent = posterior.sample(generator) if sample else posterior.mode()
        return latent * self.scaling_factor

    def decode(self, latent: Tensor) -> Tensor:
        """Scaled latent -> log-mel float[B, T, F]."""
        return self.from_blocks(self.vae.decode(latent / self.scaling_factor).sample)

    @classmethod
    def load(cls, folder: Path, spec: AudioSpec) -> LatentCodec:
        """Read a diffusers `vae/` folder (config.json and safetensors)."""
        vae = load_diffusers_model(AutoencoderKL, folder)
        return cls(vae.float().eval(), spec)

    def save(self, folder: Path) -> None:
        self.vae.save_pretrained(folder, safe_serialization=True)
