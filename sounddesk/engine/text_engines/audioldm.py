"""AudioLDM (Liu et al. 2023, arXiv 2301.12503) from text alone: diffusers' own pipeline, without CLIP or a bundle."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sounddesk.engine.models.published_configs import audio_spec
from sounddesk.engine.specs import AudioSpec
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


class AudioLdm(DiffusersEngine):
    """A loaded AudioLDM."""

    @classmethod
    def load(cls, folder: Path, audio: AudioSpec, policy: DevicePolicy) -> AudioLdm:
        # Deprecated by diffusers, which keeps it as it is; the loop of our own needs a bundle with a grounding.
        from diffusers.pipelines.deprecated.audioldm.pipeline_audioldm import AudioLDMPipeline

        return cls(load_pipeline(AudioLDMPipeline, folder, policy), read_scheduler_config(folder), audio)

    def sample(self, asked: SoundPrompt, *, on_step: OnStep) -> npt.NDArray[np.float32]:
        from sounddesk.engine.models.diffusion import make_scheduler

        mel = self._audio.mel
        # Whole latent frames, because the pipeline rounds other lengths down.
        frame = mel.hop_length * self._audio.latent.time_factor
        n_samples = math.ceil(asked.n_samples / frame) * frame
        self._pipeline.scheduler = make_scheduler(self._scheduler_config, asked.sampling)
        sound = self._call(
            asked,
            on_step=on_step,
            audio_length_in_s=seconds_for(n_samples, mel.sample_rate_hz),
            eta=asked.sampling.eta,
        )
        return np.asarray(sound, dtype=np.float32)


TEXT_ENGINES.register(
    TextEngineEntry(
        name="AudioLDMPipeline",
        audio_spec=audio_spec,
        longest_s=lambda _folder: None,
        load=AudioLdm.load,
    )
)
