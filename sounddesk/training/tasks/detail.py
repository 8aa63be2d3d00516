"""Training of what finishes decoded sounds: grain and the band above the mel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.starter.detail_network import DetailConfig
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.training.data.detail_pairs import draw_pairs
from sounddesk.training.data.detail_pairs import encode_pairs
from sounddesk.training.data.detail_pairs import read_wide_recordings
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.detail_discriminator import SpectrogramDiscriminators
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

_FRAMES: Final = 128
_NOISE_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class DetailModelRecipe:
    """Shape of the network, and what it learns by.

    Attributes:
        grain: share of the predicted deviation that is drawn.
        variants: of every recording.
        adversarial: learn against discriminators (needs `inputs.start`), instead of by likelihood.
        discriminator_width: channels of their first layer.
    """

    width: int = 24
    hidden: int = 128
    upper_bands: int = 20
    grain: float = 0.8
    variants: int = 3
    adversarial: bool = False
    discriminator_width: int = 24


class DetailTask:
    """First by the Gaussian likelihood of what the codec lost, then against discriminators of spectrograms.

    The discriminators see the finished log-mel and the upper levels beside the decoded log-mel; the generator is also
    held to the truth where both are averaged over 8 frames and 4 bands, so that it invents texture and no events.

    `inputs`: `codec` is the folder of the VAE; `start` that of a detail whose training goes on here.
    """

    def __init__(
        self, recipe: DetailModelRecipe, *, spec: AudioSpec, data_dir: Path, inputs: Mapping[str, Path], seed: int = 0
    ) -> None:
        self.recipe = recipe
        if "codec" not in inputs:
            raise TrainingRecipeError("inputs.codec is missing: name the folder of the VAE")
        codec = LatentCodec.load(inputs["codec"], spec)
        config = DetailConfig(
            width=recipe.width,
            hidden=recipe.hidden,
            bands=spec.mel.n_mels,
            upper_bands=recipe.upper_bands,
            upper_to_hz=spec.sample_rate_hz / 2,
            grain=recipe.grain,
        )
        if "start" in inputs:
            self.detail = SpectralDetail.load(inputs["start"], spec.mel).train()
            if self.detail.config != config:
                raise TrainingRecipeError(
                    f"inputs.start {inputs['start']} is a {self.detail.config}, the recipe asks for {config}"
                )
        elif recipe.adversarial:
            raise TrainingRecipeError("inputs.start is missing: train by likelihood first (model.adversarial: false)")
        else:
            self.detail = SpectralDetail(config, spec.mel)
            self.detail.measure_noise()
            start_as_unit_noise(self.detail)
        networks = {"detail": self.detail.network}
        self.discriminators: SpectrogramDiscriminators | None = None
        if recipe.adversarial:
            self.discriminators = SpectrogramDiscriminators(
                bands=config.bands, upper_bands=config.upper_bands, width=recipe.discriminator_width
            )
            networks["discriminators"] = self.discriminators  # type: ignore[assignment]
        self.module: nn.Module = nn.ModuleDict(networks)
        self.learning_rate_factors: Mapping[str, float] = {"discriminators": 2.0}
        recordings = read_wide_recordings(data_dir, sample_rate_hz=spec.sample_rate_hz)
        self.pairs = encode_pairs(recordings, codec=codec, detail=self.detail, variants=recipe.variants, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        self._grain = self.detail.grain(round(_NOISE_S * spec.mel.frames_per_s), generator)[0]
        noise = torch.randn(1, round(_NOISE_S * spec.sample_rate_hz), generator=generator)
        self._upper_noise = self.detail.levels(noise)[0]

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        decoded, true, upper, known = draw_pairs(self.pairs, frames=_FRAMES, batch_size=batch_size, rng=rng)
        grain = _slices(self._grain, _FRAMES, batch_size, rng)
        if self.discriminators is None:
            return self._likelihood(decoded, true, upper, known, grain)
        noise = _slices(self._upper_noise, upper.shape[1], batch_size, rng)
        return self._adversarial(self.discriminators, decoded, true, upper, known, grain, noise)

    def _likelihood(
        self, decoded: Tensor, true: Tensor, upper: Tensor, known: Tensor, grain: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        detail = self.detail.network(decoded, grain * self.detail.sounding(decoded))
        lower = _negative_log_likelihood(true - decoded - detail.mean, detail.log_deviation).mean()
        weight = known[:, None].expand_as(upper)
        above = _negative_log_likelihood(upper - detail.upper, detail.upper_log_deviation)
        above = (above * weight).sum() / weight.sum().clamp(min=1)
        return lower + 0.5 * above, {"lower": lower.item(), "upper": above.item()}

    def _adversarial(
        self,
        discriminators: SpectrogramDiscriminators,
        decoded: Tensor,
        true: Tensor,
        upper: Tensor,
        known: Tensor,
        grain: Tensor,
        noise: Tensor,
    ) -> tuple[Tensor, dict[str, float]]:
        made, levels = self.detail.finish(decoded, grain)
        made_upper = (levels + noise).clamp(min=-11.5)
        real = discriminators.picture(true, upper, decoded, known)
        fake = discriminators.picture(made, made_upper, decoded, known)
        real_scores, real_features = discriminators(real)
        fake_scores, _ = discriminators(fake.detach())
        judged = torch.stack(
            [
                functional.relu(1 - r).mean() + functional.relu(1 + f).mean()
                for r, f in zip(real_scores, fake_scores, strict=True)
            ]
        ).sum()
        # The same discriminators without gradient: one optimiser steps both sides.
        frozen = {name: value.detach() for name, value in discriminators.named_parameters()}
        scores, features = functional_call(discriminators, frozen, (fake,))
        fooled = -torch.stack([score.mean() for score in scores]).sum()
        matched = torch.stack(
            [
                (f.float() - r.detach().float()).abs().mean() / (r.detach().float().abs().mean() + 1e-3)
                for f, r in zip(features, real_features, strict=True)
            ]
        ).mean()
        kept = _coarse_distance(made - true, (8, 4))
        subframes = self.detail.config.subframes
        kept = kept + 0.5 * _coarse_distance((made_upper - upper) * known[:, None], (8 * subframes, 4))
        loss = judged + fooled + 2 * matched + 2 * kept
        return loss, {"judged": judged.item(), "fooled": fooled.item(), "kept": kept.item()}

    def export(self, folder: Path) -> None:
        self.detail.save(folder / "detail")


def start_as_unit_noise(detail: SpectralDetail) -> None:
    """Start near what recordings have: a third of a neper of deviation, and a quiet upper band."""
    network = detail.network
    with torch.no_grad():
        network.head.bias[1] = -1.2  # type: ignore[index]
        network.upper_head.weight.mul_(0.3)
        network.upper_head.bias.view(2, -1)[0] = -6.0  # type: ignore[union-attr]


def _slices(source: Tensor, length: int, count: int, rng: np.random.Generator) -> Tensor:
    starts = rng.integers(0, len(source) - length + 1, count)
    return torch.stack([source[start : start + length] for start in starts])


def _negative_log_likelihood(error: Tensor, log_deviation: Tensor) -> Tensor:
    return 0.5 * (error * torch.exp(-log_deviation)) ** 2 + log_deviation


def _coarse_distance(error: Tensor, cell: tuple[int, int]) -> Tensor:
    """Mean absolute error after averaging over cells, and over all of the time."""
    averaged: Tensor = functional.avg_pool2d(error[:, None], cell).abs().mean() + error.mean(dim=1).abs().mean()
    return averaged


def _make(recipe: RunRecipe, model: Any, _context: TaskContext) -> DetailTask:
    spec, inputs = recipe.audio.spec(), recipe.input_folders()
    return DetailTask(model, spec=spec, data_dir=recipe.data, inputs=inputs, seed=recipe.seed)


TASKS.register(
    TaskEntry(
        name="detail",
        summary="what gives decoded sounds their grain and the band above the mel",
        model_recipe=DetailModelRecipe,
        make=_make,
    )
)
