"""Fine-tuning of a bundle on clips: the paper's training (3.1, 3.2, 4.1) from any base."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.component_classes import load_vocoder
from sounddesk.engine.bundles.component_loading import load_text_encoder_component
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.device import choose_device
from sounddesk.engine.generation.decoding import synthesise
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.diffusion import denoise
from sounddesk.engine.models.diffusion import swap_time_and_frequency
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.injection import object_attention_parameters
from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import SamplingSettings
from sounddesk.storage.text_formats import read_object
from sounddesk.training.clips.clip_cache import ClipCache
from sounddesk.training.clips.clip_cache import FrozenEncoders
from sounddesk.training.clips.clip_cache import encoder_key
from sounddesk.training.clips.clip_cache import epoch_order
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.data_check import refuse_leaks
from sounddesk.training.clips.shards import open_clips
from sounddesk.training.data.data_error import DataError
from sounddesk.training.loop.provenance import Provenance
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.loop.training_task import Preview
from sounddesk.training.tasks.denoiser_training import Trained
from sounddesk.training.tasks.denoiser_training import export_trained
from sounddesk.training.tasks.denoiser_training import noise_loss
from sounddesk.training.tasks.denoiser_training import training_scheduler
from sounddesk.training.tasks.fine_tuning.fine_tune_recipe import FineTuneModelRecipe
from sounddesk.training.tasks.lora import add_adapters


class FineTuneTask:
    """Eq. (1) under conditions of the caption's attention over a random frame of each clip.

    Attributes:
        cache: the encoded clips of the training split.
    """

    def __init__(
        self,
        recipe: FineTuneModelRecipe,
        *,
        data_dir: Path,
        cache_dir: Path,
        seed: int,
        tell: Callable[[str], None] | None = None,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        most_clips: int | None = None,
    ) -> None:
        self.recipe = recipe
        self.seed = seed
        self.bundle = _base(recipe)
        self.provenance: Provenance | None = Provenance.of(self.bundle)
        scheduler_file = self.bundle.component_folder("scheduler") / "scheduler_config.json"
        self.scheduler_config = read_object(scheduler_file, allow_infinite=True)
        _check_schedule(recipe, self.scheduler_config)
        self.scheduler = training_scheduler(self.scheduler_config)
        with open_clips(data_dir) as found:
            refuse_leaks(found.clips)
            clips = [clip for clip in found.of_split("train") if _matches(clip, recipe.min_matching_score)]
            folder = cache_dir / encoder_key(self.bundle, seconds=recipe.seconds, frames=recipe.frames_per_clip)
            self.cache = ClipCache.open_or_make(
                folder,
                clips[:most_clips],
                self.encoders,
                seconds=recipe.seconds,
                frames=recipe.frames_per_clip,
                progress=progress,
                cancel=cancel,
            )
        for name, reason in ({**found.skipped, **self.cache.broken}).items():
            if tell is not None:
                tell(f"skipped {name}: {reason}")
        if not len(self.cache):
            raise DataError(f"{data_dir} holds no usable training clip: 'sounddesk train check {data_dir}' says why")
        if recipe.weights == "mask":
            bare = [clip.id for index, clip in enumerate(self.cache.clips) if "coverage" not in self.cache[index]]
            if bare:
                raise DataError(f"model.weights is 'mask', and clip {bare[0]!r} has none ({len(bare)} in all)")
        conditioner = self._conditioner()
        denoiser = Denoiser.load(
            self.bundle.component_folder("unet"),
            condition_width=conditioner.config.out_width,
            inject=recipe.inject,
            injection_file=self._injection_file(),
            heads=self.bundle.manifest.denoiser.heads,
        ).requires_grad_(recipe.train_unet)
        swap_time_and_frequency(denoiser.unet)
        # They start at zero on a base that has none, so a frozen U-Net without them would never take the condition in.
        for parameter in object_attention_parameters(denoiser.unet):
            parameter.requires_grad_(True)
        if recipe.lora_rank:
            add_adapters(denoiser.unet, rank=recipe.lora_rank, alpha=recipe.lora_alpha)
        if recipe.gradient_checkpointing:
            denoiser.unet.enable_gradient_checkpointing()
        self.trained = Trained(denoiser, conditioner.requires_grad_(True))
        self.module: nn.Module = self.trained
        self.learning_rate_factors: Mapping[str, float] = {}

    def _injection_file(self) -> Path | None:
        """The base's added branches, where it has the same ones; AudioLDM itself has none, and they start at zero."""
        if self.recipe.inject == "film" or "injection" not in self.bundle.manifest.components:
            return None
        return self.bundle.component_folder("injection") / "model.safetensors"

    def _conditioner(self) -> ObjectConditioner:
        if self.recipe.grounding == "base":
            return load_conditioner(self.bundle.component_folder("grounding"))
        fresh = self.recipe.fresh
        known = GroundingConfig.from_json(self.bundle.manifest.grounding)
        options: dict[str, Any] = {name: getattr(fresh, name) for name in ("heads", "score", "position", "null")}
        config = GroundingConfig(
            text_width=known.text_width,
            patch_width=known.patch_width,
            grid=known.grid,
            geometry=known.geometry,
            width=fresh.width,
            out_width=known.out_width,
            mlp_factor=fresh.mlp_factor,
            normalise=fresh.normalise,
            **options,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            conditioner = ObjectConditioner(config)
        if fresh.null == "empty_text":
            null = load_conditioner(self.bundle.component_folder("grounding")).null_vector
            conditioner.null_vector.copy_(null)
        return conditioner

    def encoders(self) -> FrozenEncoders:
        """The base's frozen parts, on the CPU."""
        manifest = self.bundle.manifest
        image = load_image_encoder(
            manifest.component("image_encoder").class_name, self.bundle.component_folder("image_encoder")
        )
        policy = choose_device("cpu")
        return FrozenEncoders(
            image=image.float().requires_grad_(False),
            text=load_text_encoder_component(self.bundle, policy),
            codec=LatentCodec.load(self.bundle.component_folder("vae"), self.bundle.audio).requires_grad_(False),
            log_mel=LogMel(self.bundle.audio.mel),
            spec=self.bundle.audio,
            geometry=image.geometry,
        )

    def examples(self) -> int:
        return len(self.cache)

    def draw(self, rng: np.random.Generator, batch_size: int, *, step: int) -> Batch:
        """The next examples of the epoch, a random frame of each, a latent from its posterior, noise and timestep."""
        chosen = epoch_order(len(self.cache), first=step * batch_size, length=batch_size, seed=self.seed)
        clips = [self.cache[index] for index in chosen]
        patches = [clip["patches"][int(rng.integers(len(clip["patches"])))].float() for clip in clips]
        mean = torch.stack([clip["latent_mean"].float() for clip in clips])
        std = torch.stack([clip["latent_std"].float() for clip in clips])
        clean = (mean + std * torch.randn_like(mean)).transpose(2, 3).contiguous()
        batch = {
            "clean": clean,
            "noise": torch.randn_like(clean),
            "timesteps": torch.randint(self.scheduler.config["num_train_timesteps"], (batch_size,)),
            "text": torch.stack([clip["text"] for clip in clips]),
            "patches": torch.stack(patches),
            "dropped": torch.rand(batch_size) < self.recipe.condition_dropout,
        }
        if self.recipe.weights == "mask":
            # The attention's spread is not known when masks stand for it from the start: uniform on the mask.
            rows = [rescale_to_attention(clip["coverage"].numpy(), attention_std=None) for clip in clips]
            batch["weights"] = torch.from_numpy(np.stack(rows))
        return batch

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        return self.loss_of(self.draw(rng, batch_size, step=0))

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        conditioner = self.trained.conditioner
        patches = batch["patches"]
        if "weights" in batch:
            weights = batch["weights"]
        else:
            weights = conditioner.weights(batch["text"], patches)
            conditioner.observe(weights)
        condition = conditioner.to_condition(conditioner.fuse(weights, patches))
        null = conditioner.null(patches)
        condition = torch.where(batch["dropped"][:, None], null, condition)
        mse = noise_loss(self.trained.denoiser, self.scheduler, batch, condition=condition, null=null)
        return mse, {"mse": mse.item()}

    @torch.no_grad()
    def previews(self, *, seconds: float, count: int) -> Sequence[Preview]:
        """Sounds of the first clips under their captions' attention, seeds 0, 1, 2, ..."""
        spec = self.bundle.audio
        shape = spec.request_shape(seconds)
        device = next(self.module.parameters()).device
        clips = [self.cache[index] for index in range(min(count, len(self.cache)))]
        patches = torch.stack([clip["patches"][0].float() for clip in clips]).to(device)
        text = torch.stack([clip["text"] for clip in clips]).to(device)
        conditioner = self.trained.conditioner
        condition = conditioner.to_condition(conditioner.fuse(conditioner.weights(text, patches), patches)).float()
        noise = [torch.randn(shape.latent, generator=torch.Generator().manual_seed(i)) for i in range(len(clips))]
        chosen = self.recipe.sampling
        # Training keeps time last inside; the loop for use swaps the axes itself.
        denoiser = self.trained.denoiser
        denoiser.time_last = True
        try:
            latent = denoise(
                denoiser,
                scheduler_config=self.scheduler_config,
                condition=condition,
                null=conditioner.null(patches).float(),
                noise=torch.stack(noise).to(device),
                sampling=SamplingSettings(preset=chosen.preset, steps=chosen.steps, guidance=chosen.guidance),
            ).cpu()
        finally:
            denoiser.time_last = False
        codec = LatentCodec.load(self.bundle.component_folder("vae"), spec)
        entry = self.bundle.manifest.component("vocoder")
        vocoder = load_vocoder(entry.class_name, self.bundle.component_folder("vocoder"), spec.mel).float()
        sounds = synthesise(vocoder.eval(), codec.decode(latent), spec)
        return [
            Preview(
                name=f"{index}-{''.join(c if c.isalnum() else '_' for c in clip.id)[:40]}",
                samples=sounds[index, : shape.n_samples].float().numpy(),
                sample_rate_hz=spec.mel.sample_rate_hz,
            )
            for index, clip in enumerate(self.cache.clips[: len(clips)])
        ]

    def export(self, folder: Path) -> None:
        export_trained(self.trained, self.scheduler_config, folder)


def _base(recipe: FineTuneModelRecipe) -> Bundle:
    try:
        bundle = find_bundle(recipe.bundle)
        bundle.verify()
    except BundleError as error:
        raise TrainingRecipeError(f"model.bundle: {error}") from error
    return bundle


def _check_schedule(recipe: FineTuneModelRecipe, config: Mapping[str, Any]) -> None:
    if recipe.schedule is None:
        return
    for name in ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type"):
        wanted, there = getattr(recipe.schedule, name), config.get(name)
        if wanted != there:
            raise TrainingRecipeError(f"model.schedule.{name} is {wanted!r}, bundle {recipe.bundle!r} has {there!r}")


def _matches(clip: ClipSource, threshold: float | None) -> bool:
    return threshold is None or clip.matching_score is None or clip.matching_score >= threshold
