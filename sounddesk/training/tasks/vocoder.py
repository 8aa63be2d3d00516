"""Training of the inverse-STFT vocoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.vocoder import IstftVocoder
from sounddesk.engine.models.vocoder import IstftVocoderConfig
from sounddesk.engine.specs import MelSpec
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.soundscapes import crop_batch
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry


@dataclass(frozen=True, kw_only=True)
class VocoderModelRecipe:
    """Shape of the vocoder; `seconds` is the crop length.

    The weights are those of the log-mel L1 and of the phase differences in the loss.
    """

    width: int = 256
    hidden: int = 768
    blocks: int = 8
    seconds: float = 1.0
    mel_weight: float = 1.0
    phase_weight: float = 1.0


def stft_magnitude(waveform: Tensor, n_fft: int) -> Tensor:
    """Magnitude of a Hann-windowed STFT with a hop of a quarter window, float[B, n_fft // 2 + 1, frames]."""
    window = torch.hann_window(n_fft, device=waveform.device)
    stft = torch.stft(waveform, n_fft, n_fft // 4, window=window, return_complex=True)
    return torch.sqrt(stft.real**2 + stft.imag**2 + 1e-9)


def multi_resolution_stft_distance(
    predicted: Tensor, target: Tensor, sizes: tuple[int, ...] = (512, 1024, 2048)
) -> Tensor:
    """Spectral convergence plus log-magnitude L1, averaged over FFT sizes (Yamamoto et al. 2020, eq. 4 to 6)."""
    total = predicted.new_zeros(())
    for n_fft in sizes:
        p, t = stft_magnitude(predicted, n_fft), stft_magnitude(target, n_fft)
        convergence = torch.linalg.vector_norm(t - p, dim=(1, 2)) / (torch.linalg.vector_norm(t, dim=(1, 2)) + 1e-3)
        log_distance = (torch.log(t.clamp(min=1e-4)) - torch.log(p.clamp(min=1e-4))).abs().mean()
        total = total + convergence.mean() + log_distance
    return total / len(sizes)


def anti_wrap(angle: Tensor) -> Tensor:
    """Distance of an angle to the nearest multiple of 2 pi, in [0, pi] (Ai and Ling 2023, eq. 6)."""
    return (angle - 2 * math.pi * torch.round(angle / (2 * math.pi))).abs()


def phase_distance(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Magnitude-weighted distance of group delay and of phase advance between complex spectra [B, bins, frames].

    The absolute phase cannot be known from a mel spectrogram, its differences along frequency and time can.
    """
    p, t = torch.angle(predicted), torch.angle(target)
    along_freq = anti_wrap(p.diff(dim=1) - t.diff(dim=1)) * weight[:, 1:]
    along_time = anti_wrap(p.diff(dim=2) - t.diff(dim=2)) * weight[:, :, 1:]
    return along_freq.mean() + along_time.mean()


class VocoderTask:
    """Log-mel L1, multi-resolution STFT distance and phase differences; no discriminator.

    `inputs['start']` may name the folder of a vocoder of the same shape whose training goes on here.

    Raises:
        TrainingRecipeError: the vocoder to start from has another shape than the recipe.
    """

    def __init__(
        self, recipe: VocoderModelRecipe, *, mel: MelSpec, data_dir: Path, inputs: Mapping[str, Path] | None = None
    ) -> None:
        self.recipe = recipe
        config = IstftVocoderConfig(width=recipe.width, hidden=recipe.hidden, blocks=recipe.blocks)
        start = (inputs or {}).get("start")
        if start is None:
            self.vocoder = IstftVocoder(config, mel)
        else:
            self.vocoder = IstftVocoder.load(start, mel)
            if self.vocoder.config != config:
                raise TrainingRecipeError(
                    f"inputs.start {start} is a {self.vocoder.config}, the recipe asks for {config}"
                )
        self.learning_rate_factors: Mapping[str, float] = {}
        self.module: nn.Module = self.vocoder
        self.mel = mel
        self.log_mel = LogMel(mel)
        self.recordings = [r.samples for r in read_recordings(data_dir)]
        self.length = round(recipe.seconds * mel.sample_rate_hz)

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        batch = crop_batch(self.recordings, length=self.length, batch_size=batch_size, rng=rng, peak=self.mel.peak)
        target = torch.from_numpy(batch)
        with torch.autocast("cpu", enabled=False):
            mel = self.log_mel(target)
        spectrum = self.vocoder.spectrum(mel)
        with torch.autocast("cpu", enabled=False):
            predicted = self.vocoder.inverse(spectrum)
            stft = multi_resolution_stft_distance(predicted, target)
            log_mel = (self.log_mel(predicted) - mel).abs().mean()
            true = self.log_mel.stft(target).transpose(1, 2)
            weight = torch.sqrt(true.abs() + 1e-6)
            weight = weight / weight.mean(dim=(1, 2), keepdim=True).clamp(min=1e-3)
            phase = phase_distance(spectrum, true, weight)
            magnitude = (torch.log(spectrum.abs() + 1e-4) - torch.log(true.abs() + 1e-4)).abs().mean()
            loss = stft + self.recipe.mel_weight * log_mel + 0.5 * magnitude + self.recipe.phase_weight * phase
        return loss, {"stft": stft.item(), "mel": log_mel.item(), "phase": phase.item()}

    def export(self, folder: Path) -> None:
        self.vocoder.save(folder / "vocoder")


def _make(recipe: RunRecipe, model: Any, _context: TaskContext) -> VocoderTask:
    return VocoderTask(model, mel=recipe.audio.mel, data_dir=recipe.data, inputs=recipe.input_folders())


TASKS.register(TaskEntry(name="vocoder", summary="the vocoder", model_recipe=VocoderModelRecipe, make=_make))
