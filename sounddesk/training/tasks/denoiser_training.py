"""What every training of the denoiser shares: eq. (1) of the paper, the forward process, and the export."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor
from torch import nn

from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.diffusion import swap_time_and_frequency
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.tasks.lora import has_adapters
from sounddesk.training.tasks.lora import merged_state
from sounddesk.training.tasks.lora import save_adapters


class Trained(nn.Module):
    """Denoiser and grounding together: what a diffusion run optimises."""

    def __init__(self, denoiser: Denoiser, conditioner: ObjectConditioner) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.conditioner = conditioner


def noise_loss(
    denoiser: Denoiser, scheduler: DDPMScheduler, batch: Batch, *, condition: Tensor, null: Tensor
) -> Tensor:
    """Eq. (1) for the 'clean' latents of a batch at its 'timesteps' under its 'noise'; velocity where so configured."""
    clean, noise, timesteps = batch["clean"], batch["noise"], batch["timesteps"]
    noisy = scheduler.add_noise(clean, noise, timesteps)
    velocity = scheduler.config["prediction_type"] == "v_prediction"
    target = scheduler.get_velocity(clean, noise, timesteps) if velocity else noise
    predicted = denoiser(noisy, timesteps, condition, null)
    return nn.functional.mse_loss(predicted.float(), target)


def training_scheduler(config: Mapping[str, Any]) -> DDPMScheduler:
    """The forward process of a bundle's scheduler configuration."""
    keep = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type")
    return DDPMScheduler(**{key: config[key] for key in keep})


def export_trained(trained: Trained, scheduler_config: Mapping[str, Any], folder: Path) -> None:
    """Write `unet/`, `injection/`, `grounding/` and `scheduler/` of a model that trains with time last.

    Adapters are added into the U-Net and, beside it, written alone into `adapter/`.
    """
    plain = copy.deepcopy(trained.denoiser)
    if has_adapters(plain.unet):
        save_adapters(plain.unet, folder / "adapter")
        unet = UNet2DConditionModel.from_config(plain.unet.config)
        state = merged_state(plain.unet)
        plain = Denoiser(unet, condition_width=trained.conditioner.config.out_width, inject=plain.inject)
        plain.unet.load_state_dict(state)
    swap_time_and_frequency(plain.unet)
    plain.save(folder / "unet", folder / "injection" / "model.safetensors")
    trained.conditioner.save(folder / "grounding")
    (folder / "scheduler").mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(scheduler_config), indent=2) + "\n"
    (folder / "scheduler" / "scheduler_config.json").write_text(text)
