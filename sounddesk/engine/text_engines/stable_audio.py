"""Stable Audio Open (Evans et al. 2024, arXiv 2407.14358): diffusers' own pipeline, mixed down from stereo."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
import numpy.typing as npt

from sounddesk.engine.models.published_configs import read_config
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
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


class StableAudio:
    """A loaded Stable Audio."""

    def __init__(self, pipeline: Any, scheduler_config: dict[str, Any], audio: AudioSpec) -> None:
        self._pipeline = pipeline
        self._scheduler_config = scheduler_config
        self._audio = audio

    @classmethod
    def load(cls, folder: Path, audio: AudioSpec, policy: DevicePolicy) -> StableAudio:
        from diffusers.pipelines.stable_audio.pipeline_stable_audio import StableAudioPipeline

        config = read_scheduler_config(folder)
        pipeline = StableAudioPipeline.from_pretrained(
            folder,
            scheduler=make_scheduler(config),
            torch_dtype=policy.network_dtype,
            use_safetensors=True,
            local_files_only=True,
        ).to(policy.device)
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline, config, audio)

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
        self._pipeline.scheduler = make_scheduler(self._scheduler_config)
        sound = self._pipeline(
            prompt,
            negative_prompt=negative_prompt or None,
            audio_end_in_s=seconds_for(n_samples, self._audio.mel.sample_rate_hz),
            num_inference_steps=steps_of(sampling),
            guidance_scale=sampling.guidance,
            generator=cpu_generator(seed),
            callback=step_callback(on_step),
            output_type="np",
        ).audios
        return np.asarray(sound[0], dtype=np.float32)


def make_scheduler(config: dict[str, Any]) -> Any:
    """DPM-Solver++ on the model's own noise levels, for both presets.

    The published index names the stochastic variant, which needs another package (torchsde) and draws its noise in an
    order of its own; the ordinary one follows from the seed alone.
    """
    from diffusers.schedulers.scheduling_edm_dpmsolver_multistep import EDMDPMSolverMultistepScheduler

    keep = ("sigma_min", "sigma_max", "sigma_data", "sigma_schedule", "prediction_type")
    return EDMDPMSolverMultistepScheduler(
        **{key: config[key] for key in keep if key in config}, algorithm_type="dpmsolver++", solver_order=2
    )


def stable_audio_spec(folder: Path) -> AudioSpec:
    """Its rate; it has no mel spectrogram of its own, so this one is for pictures and for the balance of takes."""
    rate = int(read_config(folder / "vae")["sampling_rate"])
    mel = MelSpec(sample_rate_hz=rate, n_fft=2048, win_length=2048, hop_length=rate // 100, fmax_hz=rate / 2)
    return AudioSpec(mel=mel, latent=LatentSpec())


def longest_s(folder: Path) -> float:
    """What the transformer was trained on, in seconds."""
    vae = read_config(folder / "vae")
    frames = read_config(folder / "transformer")["sample_size"]
    return float(frames * math.prod(vae["downsampling_ratios"]) / vae["sampling_rate"])


TEXT_ENGINES.register(
    TextEngineEntry(
        name="StableAudioPipeline",
        audio_spec=stable_audio_spec,
        longest_s=longest_s,
        load=StableAudio.load,
    )
)
