"""AudioLDM 2 (Liu et al. 2023, arXiv 2308.05734): diffusers' own pipeline."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
import numpy.typing as npt

from sounddesk.engine.models.published_configs import audio_spec
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.text_engines.diffusers_calls import cpu_generator
from sounddesk.engine.text_engines.diffusers_calls import read_scheduler_config
from sounddesk.engine.text_engines.diffusers_calls import seconds_for
from sounddesk.engine.text_engines.diffusers_calls import step_callback
from sounddesk.engine.text_engines.registry import TEXT_ENGINES
from sounddesk.engine.text_engines.registry import OnStep
from sounddesk.engine.text_engines.registry import TextEngineEntry
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import steps_of

if TYPE_CHECKING:
    from sounddesk.engine.device import DevicePolicy


class AudioLdm2:
    """A loaded AudioLDM 2."""

    def __init__(self, pipeline: Any, scheduler_config: dict[str, Any], audio: AudioSpec) -> None:
        self._pipeline = pipeline
        self._scheduler_config = scheduler_config
        self._audio = audio

    @classmethod
    def load(cls, folder: Path, audio: AudioSpec, policy: DevicePolicy) -> AudioLdm2:
        from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
        from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

        # The published index names GPT2Model, which newer versions of transformers do not let generate.
        language_model = GPT2LMHeadModel.from_pretrained(
            folder / "language_model", use_safetensors=True, local_files_only=True
        ).to(policy.network_dtype)
        pipeline = AudioLDM2Pipeline.from_pretrained(
            folder,
            language_model=language_model,
            torch_dtype=policy.network_dtype,
            use_safetensors=True,
            local_files_only=True,
        ).to(policy.device)
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline, read_scheduler_config(folder), audio)

    def sample(
        self,
        prompt: str,
        *,
        negative_prompt: str,
        seed: int,
        n_samples: int,
        sampling: SamplingSettings,
        on_step: OnStep,
    ) -> npt.NDArray[np.float32]:
        from sounddesk.engine.models.diffusion import make_scheduler

        mel = self._audio.mel
        # Whole latent frames, because the pipeline rounds other lengths down.
        frame = mel.hop_length * self._audio.latent.time_factor
        self._pipeline.scheduler = make_scheduler(self._scheduler_config, sampling)
        sound = self._pipeline(
            prompt,
            negative_prompt=negative_prompt or None,
            audio_length_in_s=seconds_for(math.ceil(n_samples / frame) * frame, mel.sample_rate_hz),
            num_inference_steps=steps_of(sampling),
            guidance_scale=sampling.guidance,
            eta=sampling.eta,
            generator=cpu_generator(seed),
            callback=step_callback(on_step),
        ).audios
        return np.asarray(sound, dtype=np.float32)


TEXT_ENGINES.register(
    TextEngineEntry(
        name="AudioLDM2Pipeline",
        audio_spec=audio_spec,
        longest_s=lambda _folder: None,
        load=AudioLdm2.load,
    )
)
