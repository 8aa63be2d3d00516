"""Training of what finishes decoded sounds: grain and the band above the mel."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
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
from sounddesk.training.data.kind_loudness import kind_loudness
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.detail_discriminator import SpectrogramDiscriminators
from sounddesk.training.tasks.energy_score import energy_score
from sounddesk.training.tasks.energy_score import loudness_score
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

_FRAMES: Final = 128
_NOISE_S: Final = 60.0
# Digital silence as `BandLevels` tells it.
_LEAST_UPPER: Final = -11.5


@dataclass(frozen=True, kw_only=True)
class DetailModelRecipe:
    """Shape of the network, and what it learns by.

    Attributes:
        grain: share of the predicted deviation that is drawn.
        variants: of every recording.
        adversarial: learn against discriminators (needs `inputs.start`), instead of by likelihood.
        discriminator_width: channels of their first layer.
        score_weight: of the energy score beside the discriminators.
    """

    width: int = 24
    hidden: int = 128
    upper_bands: int = 20
    grain: float = 0.8
    variants: int = 3
    adversarial: bool = False
    discriminator_width: int = 20
    score_weight: float = 20.0


class DetailTask:
    """First by the Gaussian likelihood of what the codec lost, then against discriminators of spectrograms.

    The discriminators see the finished log-mel and the upper levels beside the decoded log-mel; the energy score of two
    draws keeps what is drawn near the truth, and as far apart as the truth leaves open.

    `inputs`: `codec` is the folder of the VAE; `start` that of a detail whose training goes on here; with `encoders`,
    which holds the text encoder, the result knows how loud its kinds are.
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
            if replace(self.detail.config, kinds=0, condition_width=0) != config:
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
        self._kinds: tuple[Tensor, Tensor] | None = None
        if "encoders" in inputs:
            self._kinds = kind_loudness(
                recordings,
                data_dir=data_dir,
                encoders=inputs["encoders"],
                peak=spec.mel.peak,
                sample_rate_hz=spec.sample_rate_hz,
            )
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
        draws = []
        for drawn in (grain, _slices(self._grain, _FRAMES, batch_size, rng)):
            noise = _slices(self._upper_noise, upper.shape[1], batch_size, rng)
            made, levels = self.detail.finish(decoded, drawn)
            draws.append((made, (levels + noise).clamp(min=_LEAST_UPPER)))
        return self._adversarial(self.discriminators, true, upper, decoded, known, draws)

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
        true: Tensor,
        upper: Tensor,
        decoded: Tensor,
        known: Tensor,
        draws: Sequence[tuple[Tensor, Tensor]],
    ) -> tuple[Tensor, dict[str, float]]:
        (first, first_upper), (second, second_upper) = draws
        weight = known[:, None]
        kept = (
            energy_score(true, first, second)
            + 0.5 * energy_score(upper * weight, first_upper * weight, second_upper * weight, upper=True)
            + loudness_score(true, first, second)
        )
        real = discriminators.picture(true, upper, decoded, known)
        twice = torch.cat([decoded, decoded]), torch.cat([known, known])
        fake = discriminators.picture(torch.cat([first, second]), torch.cat([first_upper, second_upper]), *twice)
        judged = torch.stack(
            [
                functional.relu(1 - r).mean() + functional.relu(1 + f).mean()
                for r, f in zip(discriminators(real), discriminators(fake.detach()), strict=True)
            ]
        ).sum()
        # The same discriminators without gradient: one optimiser steps both sides.
        frozen = {name: value.detach() for name, value in discriminators.named_parameters()}
        scores = functional_call(discriminators, frozen, (fake,))
        fooled = -torch.stack([score.mean() for score in scores]).sum()
        loss = judged + fooled + self.recipe.score_weight * kept
        return loss, {"judged": judged.item(), "fooled": fooled.item(), "kept": kept.item()}

    def export(self, folder: Path) -> None:
        detail = self.detail if self._kinds is None else self.detail.with_kinds(*self._kinds)
        detail.save(folder / "detail")


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
