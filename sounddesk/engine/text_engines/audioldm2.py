"""AudioLDM 2 (Liu et al. 2023, arXiv 2308.05734): diffusers' own pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.engine.models.published_configs import audio_spec
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.text_engines.audioldm import AudioLdm
from sounddesk.engine.text_engines.diffusers_engine import load_pipeline
from sounddesk.engine.text_engines.diffusers_engine import read_scheduler_config
from sounddesk.engine.text_engines.registry import TEXT_ENGINES
from sounddesk.engine.text_engines.registry import TextEngineEntry

if TYPE_CHECKING:
    from sounddesk.engine.device import DevicePolicy


class AudioLdm2(AudioLdm):
    """A loaded AudioLDM 2; it is asked for a sound as AudioLDM is."""

    @classmethod
    def load(cls, folder: Path, audio: AudioSpec, policy: DevicePolicy) -> AudioLdm2:
        from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
        from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

        # The published index names GPT2Model, which newer versions of transformers do not let generate.
        language_model = GPT2LMHeadModel.from_pretrained(
            folder / "language_model", use_safetensors=True, local_files_only=True
        ).to(policy.network_dtype)
        pipeline = load_pipeline(AudioLDM2Pipeline, folder, policy, language_model=language_model)
        return cls(pipeline, read_scheduler_config(folder), audio)


TEXT_ENGINES.register(
    TextEngineEntry(
        name="AudioLDM2Pipeline",
        audio_spec=audio_spec,
        longest_s=lambda _folder: None,
        load=AudioLdm2.load,
    )
)
