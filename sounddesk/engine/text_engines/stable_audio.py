"""Stable Audio Open (Evans et al. 2024, arXiv 2407.14358): diffusers' own pipeline, in stereo."""

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
from sounddesk.engine.text_engines.diffusers_engine import DiffusersEngine
from sounddesk.engine.text_engines.diffusers_engine import load_pipeline
from sounddesk.engine.text_engines.diffusers_engine import read_scheduler_config
from sounddesk.engine.text_engines.diffusers_engine import seconds_for
from sounddesk.engine.text_engines.registry import TEXT_ENGINES
from sounddesk.engine.text_engines.registry import OnStep
from sounddesk.engine.text_engines.registry import SoundPrompt
from sounddesk.engine.text_engines.registry import TextEngineEntry

if TYPE_CHECKING:
    from sounddesk.engine.device import DevicePolicy


class StableAudio(DiffusersEngine):
    """A loaded Stable Audio."""

    @classmethod
    def load(cls, folder: Path, audio: AudioSpec, policy: DevicePolicy) -> StableAudio:
        from diffusers.pipelines.stable_audio.pipeline_stable_audio import StableAudioPipeline

        config = read_scheduler_config(folder)
        pipeline = load_pipeline(StableAudioPipeline, folder, policy, scheduler=make_scheduler(config))
        return cls(pipeline, config, audio)

    def sample(self, asked: SoundPrompt, *, on_step: OnStep) -> npt.NDArray[np.float32]:
        self._pipeline.scheduler = make_scheduler(self._scheduler_config)
        end_s = seconds_for(asked.n_samples, self._audio.mel.sample_rate_hz)
        sound = self._call(asked, on_step=on_step, audio_end_in_s=end_s, output_type="np")
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
