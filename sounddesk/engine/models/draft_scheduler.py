"""DPM-Solver++ for very few steps: they lie evenly in log-SNR and end while there is some noise left."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

# Of the noise schedule, where the last step begins. Below it latents hardly change, so a step there is wasted.
_LAST: Final = 0.25


class DraftScheduler(DPMSolverMultistepScheduler):
    """Its steps for a number of them; all else is the solver's."""

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        **options: Any,
    ) -> None:
        """Choose timesteps; those that are given count as they are."""
        if num_inference_steps is not None and options.get("timesteps") is None:
            found = draft_timesteps(self.alphas_cumprod.double().numpy(), num_inference_steps)
            num_inference_steps, options["timesteps"] = None, found
        super().set_timesteps(num_inference_steps, device, **options)


def draft_timesteps(alphas_cumprod: np.ndarray, count: int) -> list[int]:
    """`count` falling timesteps from the noisiest on, evenly spaced in half the log-SNR; fewer where two would be one.

    Args:
        alphas_cumprod: of the noise schedule, falling, float64[timesteps].
    """
    half_log_snr = 0.5 * np.log(alphas_cumprod / (1.0 - alphas_cumprod))
    last = round(_LAST * len(alphas_cumprod))
    wanted = np.linspace(half_log_snr[-1], half_log_snr[last], count)
    return list(dict.fromkeys(int(np.abs(half_log_snr - value).argmin()) for value in wanted))
