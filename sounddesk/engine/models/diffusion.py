"""The denoiser (U-Net with its condition) and the guided denoising loop."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal
from typing import get_args

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.limits import LayerSize
from sounddesk.domain.preset import PresetName
from sounddesk.engine.models.diffusers_weights import load_diffusers_model
from sounddesk.engine.models.injection import install_object_attention
from sounddesk.engine.models.injection import load_object_attention
from sounddesk.engine.models.injection import object_attention_state
from sounddesk.engine.models.injection import original_state
from sounddesk.engine.models.packed_attention import pack_attention
from sounddesk.engine.models.packed_layers import pack_layers
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import steps_of
from sounddesk.storage.codec import field_of
from sounddesk.storage.text_formats import read_object

# Published ones have a thousand.
_MOST_TIMESTEPS: Final = 10_000

Inject = Literal["both", "film", "cross"]


class Denoiser(nn.Module):
    """U-Net whose condition is one vector per item.

    Attributes:
        inject: where the condition goes: 'film' the class-embedding slot, 'cross' the added attention branches,
            'both'. With 'cross' the FiLM slot gets the null condition, as an unconditioned AudioLDM would.
        time_last: the kernels are transposed, so that inside the time is the last axis; see `put_time_last`.
        packed: its layers compute by oneDNN; see `pack_for_cpu`.
    """

    def __init__(self, unet: UNet2DConditionModel, *, condition_width: int, inject: Inject = "both") -> None:
        super().__init__()
        self.unet = unet
        self.inject: Inject = inject
        self.time_last = False
        self.packed = False
        if inject != "film":
            install_object_attention(unet, condition_width=condition_width)

    def forward(self, latent: Tensor, timestep: Tensor, condition: Tensor, null: Tensor | None = None) -> Tensor:
        """Prediction for latent float[B, C, T, F] at `timestep` [B] (or scalar) under condition float[B, width].

        `null` float[B, width] fills the FiLM slot when `inject` is 'cross'.
        """
        # Where memory is short the weights are in half precision (`memory_plan`).
        dtype = self.unet.dtype
        latent, condition = latent.to(dtype), condition.to(dtype)
        null = None if null is None else null.to(dtype)
        film = condition
        if self.inject == "cross":
            film = torch.zeros_like(condition) if null is None else null
        extra: dict[str, Any] = {} if self.inject == "film" else {"ip_hidden_states": condition[:, None]}
        if self.time_last:
            layout = torch.channels_last if self.packed else torch.contiguous_format
            latent = latent.transpose(2, 3).contiguous(memory_format=layout)
        output: Tensor = self.unet(
            latent,
            timestep,
            None,
            class_labels=film,
            cross_attention_kwargs=extra or None,
        ).sample
        return output.transpose(2, 3) if self.time_last else output

    def put_time_last(self) -> None:
        """Compute the same with the axes swapped inside, for CPUs (`swap_time_and_frequency`); not for training."""
        if not self.time_last:
            swap_time_and_frequency(self.unet)
            self.time_last = True

    def pack_for_cpu(self) -> None:
        """Compute the same as quickly as a CPU can: time last, layers and attention by oneDNN. For use alone.

        AudioLDM's U-Net (s, 10 s, two guided takes, one core) takes 2.1 instead of 3.2 s a step.
        """
        self.put_time_last()
        self.packed = pack_layers(self) > 0
        pack_attention(self.unet)

    @classmethod
    def load(
        cls,
        unet_folder: Path,
        *,
        condition_width: int,
        inject: Inject,
        injection_file: Path | None = None,
        heads: Literal["config", "original"] = "config",
    ) -> Denoiser:
        """Read a diffusers `unet/` folder and, where given, the weights of the added branches.

        `heads='original'` restores AudioLDM's own head counts (32 channels a head), which the published
        conversion lost; weights are the same, outputs differ.
        """
        options: dict[str, Any] = {}
        if heads == "original":
            config = read_object(unet_folder / "config.json", allow_infinite=True)
            channels = field_of(tuple[LayerSize, ...], config, "block_out_channels")
            options["attention_head_dim"] = tuple(width // 32 for width in channels)
        unet = load_diffusers_model(UNet2DConditionModel, unet_folder, **options)
        denoiser = cls(unet.float(), condition_width=condition_width, inject=inject)
        if injection_file is not None:
            load_object_attention(denoiser.unet, load_weights(injection_file))
        return denoiser.eval()

    def save(self, unet_folder: Path, injection_file: Path) -> None:
        """Write the plain U-Net as diffusers does, and the added branches apart from it.

        Raises:
            ValueError: time was put last; files keep AudioLDM's order.
        """
        if self.time_last:
            raise ValueError("the U-Net has its time last: save it before put_time_last or pack_for_cpu")
        unet_folder.mkdir(parents=True, exist_ok=True)
        # diffusers notes the folder that the weights came from: of no use elsewhere, and not ours to tell.
        self.unet.register_to_config(_name_or_path="")
        self.unet.save_config(unet_folder)
        state = {k: v.contiguous() for k, v in original_state(self.unet).items()}
        save_file(state, unet_folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
        if self.inject != "film":
            injection_file.parent.mkdir(parents=True, exist_ok=True)
            save_file({k: v.contiguous() for k, v in object_attention_state(self.unet).items()}, injection_file)


def swap_time_and_frequency(unet: nn.Module) -> None:
    """Transpose every kernel in place: the U-Net then reads [B, C, F, T] and computes what it did on [B, C, T, F].

    A latent has few frequency rows (16 in AudioLDM, 8 in the starter, fewer further down). CPU convolutions work along
    the last axis, so with time there a training step took 0.77 s instead of 1.20 s (starter, one core, batch of 16).
    """
    with torch.no_grad():
        for parameter in unet.parameters():
            if parameter.dim() == 4:
                parameter.copy_(parameter.transpose(2, 3).clone())


def audioldm_scheduler_config(*, prediction_type: str = "epsilon") -> dict[str, Any]:
    """AudioLDM's noise schedule (Liu et al. 2023): what it calls linear is diffusers' 'scaled_linear'."""
    return {
        "num_train_timesteps": 1000,
        "beta_start": 0.0015,
        "beta_end": 0.0195,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
        "clip_sample": False,
        "set_alpha_to_one": False,
        "timestep_spacing": "leading",
        "prediction_type": prediction_type,
    }


def check_schedule(config: Mapping[str, Any]) -> None:
    """See that both presets can make a scheduler of a bundle's noise schedule, and that it is of a sensible length.

    Raises:
        ValueError: a key is missing or out of range; the message names it.
    """
    timesteps = config.get("num_train_timesteps")
    if not isinstance(timesteps, int) or not 1 <= timesteps <= _MOST_TIMESTEPS:
        raise ValueError(f"num_train_timesteps is {timesteps!r}: expected 1 to {_MOST_TIMESTEPS}")
    for preset in get_args(PresetName):
        try:
            make_scheduler(dict(config), SamplingSettings(preset=preset))
        except KeyError as error:
            raise ValueError(f"{error.args[0]} is missing in the schedule") from error


def make_scheduler(config: dict[str, Any], sampling: SamplingSettings) -> Any:
    """The preset's scheduler on the bundle's noise schedule.

    'paper' is DDIM. 'fast' is DPM-Solver++ (2M, Lu et al. 2022) with trailing spacing, so that few steps
    still start at full noise. 'draft' is the same solver with steps even in log-SNR, which it integrates in.
    """
    if sampling.preset == "paper":
        from diffusers.schedulers.scheduling_ddim import DDIMScheduler

        return DDIMScheduler.from_config(config)
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    from sounddesk.engine.models.draft_scheduler import DraftScheduler

    solver = DraftScheduler if sampling.preset == "draft" else DPMSolverMultistepScheduler
    keep = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type")
    return solver(
        **{key: config[key] for key in keep},
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="trailing",
        lower_order_final=True,
        final_sigmas_type="zero",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class DenoisingStart:
    """A sound to begin from.

    Attributes:
        latent: float[N, C, T, F], scaled.
        strength: share of the steps that are run, 0 (none: the latent comes back) to 1 (nothing of it is left), after
            SDEdit (Meng et al. 2022, arXiv 2108.01073).
        made: bool[T], frames that are made anew; the others stay as `latent` has them, noised alike at every step
            (Lugmayr et al. 2022, arXiv 2201.09865, without its repetitions). None for all.
    """

    latent: Tensor
    strength: float
    made: Tensor | None = None


def _begun(scheduler: Any, start: DenoisingStart, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The timesteps that are run, and the latent that they begin with."""
    steps = len(scheduler.timesteps)
    run = round(min(1.0, max(0.0, start.strength)) * steps)
    if not run:
        return scheduler.timesteps[:0], start.latent
    timesteps = scheduler.timesteps[steps - run :]
    if run == steps and start.made is None:
        return timesteps, noise * scheduler.init_noise_sigma
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(steps - run)
    return timesteps, scheduler.add_noise(start.latent, noise, timesteps[:1])


@torch.no_grad()
def denoise(
    denoiser: nn.Module,
    *,
    scheduler_config: dict[str, Any],
    condition: Tensor,
    null: Tensor,
    noise: Tensor,
    sampling: SamplingSettings,
    step_noise: Callable[[int], Tensor] | None = None,
    on_step: Callable[[int, int], None] | None = None,
    start: DenoisingStart | None = None,
) -> Tensor:
    """From noise float[N, C, T, F] to latents of the same shape, by eq. (2) guidance.

    Conditional and unconditional predictions run as one batch of 2 N; with guidance 1 the unconditional one is left
    out (eq. 2 then does not depend on it).

    Args:
        condition, null: float[N, width].
        step_noise: noise for step i when DDIM's eta is above 0; must come from each take's own seed.
        on_step: called with (done, total) after each step; raising stops the loop.
        start: a sound's own latent to begin from, in place of noise alone.
    """
    scheduler = make_scheduler(scheduler_config, sampling)
    scheduler.set_timesteps(steps_of(sampling))
    timesteps = scheduler.timesteps
    latent = noise * scheduler.init_noise_sigma
    if start is not None:
        timesteps, latent = _begun(scheduler, start, noise)
    total = len(timesteps)
    guided = sampling.guidance != 1.0
    both = torch.cat([null, condition]) if guided else condition
    nulls = torch.cat([null, null]) if guided else null
    for index, timestep in enumerate(timesteps):
        model_input = scheduler.scale_model_input(torch.cat([latent, latent]) if guided else latent, timestep)
        prediction = denoiser(model_input, timestep.to(latent.device), both, nulls).float()
        if guided:
            unconditional, conditional = prediction.chunk(2)
            prediction = unconditional + sampling.guidance * (conditional - unconditional)
        options: dict[str, Any] = {}
        if sampling.preset == "paper":
            options["eta"] = sampling.eta
            if sampling.eta > 0:
                if step_noise is None:
                    raise ValueError("eta above 0 needs step_noise")
                options["variance_noise"] = step_noise(index)
        latent = scheduler.step(prediction, timestep, latent, **options).prev_sample
        if start is not None and start.made is not None:
            kept = start.latent
            if index + 1 < total:
                kept = scheduler.add_noise(kept, noise, timesteps[index + 1 : index + 2])
            latent = torch.where(start.made[:, None], latent, kept)
        if on_step is not None:
            on_step(index + 1, total)
    return latent
