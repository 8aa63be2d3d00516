"""What the engines that run on diffusers' own pipelines have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from sounddesk.engine.text_engines.registry import OnStep
from sounddesk.storage.text_formats import read_json

if TYPE_CHECKING:
    import torch


def read_scheduler_config(folder: Path) -> dict[str, Any]:
    """The noise schedule that a published folder names."""
    data: dict[str, Any] = read_json(folder / "scheduler" / "scheduler_config.json", allow_infinite=True)
    return data


def cpu_generator(seed: int) -> torch.Generator:
    """Noise drawn on the CPU, so that a seed means the same on every device."""
    import torch

    return torch.Generator("cpu").manual_seed(seed)


def seconds_for(n_samples: int, rate_hz: int) -> float:
    """A length in seconds that the pipelines' `int(seconds * rate)` turns into exactly `n_samples`."""
    return (n_samples + 0.25) / rate_hz


def step_callback(on_step: OnStep) -> Callable[..., None]:
    """A callback for diffusers; it may raise `Cancelled`."""
    return lambda index, _timestep, _latents: on_step(index + 1)
