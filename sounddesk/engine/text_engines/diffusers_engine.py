"""What the engines that run on diffusers' own pipelines have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from sounddesk.domain.naming import as_utf8
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.text_engines.registry import OnStep
from sounddesk.engine.text_engines.registry import SoundPrompt
from sounddesk.engine.types import steps_of
from sounddesk.storage.text_formats import read_object

if TYPE_CHECKING:
    from sounddesk.engine.device import DevicePolicy


class DiffusersEngine:
    """A loaded pipeline of diffusers; what is its own about it is in the classes that derive from this one."""

    def __init__(self, pipeline: Any, scheduler_config: dict[str, Any], audio: AudioSpec) -> None:
        self._pipeline = pipeline
        self._scheduler_config = scheduler_config
        self._audio = audio

    def _call(self, asked: SoundPrompt, *, on_step: OnStep, **own: Any) -> Any:
        """The pipeline's sounds; `own` are the arguments that only this pipeline takes."""
        import torch

        return self._pipeline(
            as_utf8(asked.prompt),
            negative_prompt=as_utf8(asked.negative_prompt) or None,
            num_inference_steps=steps_of(asked.sampling),
            guidance_scale=asked.sampling.guidance,
            # Drawn on the CPU, so that a seed means the same on every device.
            generator=torch.Generator("cpu").manual_seed(asked.seed),
            # It may raise `Cancelled`.
            callback=lambda index, _timestep, _latents: on_step(index + 1),
            **own,
        ).audios


def load_pipeline(pipeline_class: Any, folder: Path, policy: DevicePolicy, **parts: Any) -> Any:
    """The published pipeline in `folder`, on its device; `parts` take the place of those in the folder."""
    pipeline = pipeline_class.from_pretrained(
        folder, torch_dtype=policy.network_dtype, use_safetensors=True, local_files_only=True, **parts
    ).to(policy.device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def read_scheduler_config(folder: Path) -> dict[str, Any]:
    """The noise schedule that a published folder names."""
    return read_object(folder / "scheduler" / "scheduler_config.json", allow_infinite=True)


def seconds_for(n_samples: int, rate_hz: int) -> float:
    """A length in seconds that the pipelines' `int(seconds * rate)` turns into exactly `n_samples`."""
    return (n_samples + 0.25) / rate_hz
