"""AudioLDM 2 and Stable Audio Open behind the session: diffusers' own pipelines, one take at a time.

They hear words only. An object is rendered from its hint or its name, which is the paper's captioning baseline with a
person for the captioner; what its mask shows makes no difference, and every take says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import SCHEDULER_FILE
from sounddesk.engine.bundles.component_loading import quieten_libraries
from sounddesk.engine.bundles.text_engine_bundle import AUDIOLDM2
from sounddesk.engine.bundles.text_engine_bundle import longest_seconds
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.patch_cache import hash_image
from sounddesk.engine.generation.postprocess import finished
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.take_conditions import hash_mask
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.models.diffusion import make_scheduler
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TakeKind
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import steps_of

_AMBIENCE: Final = "background sound of the place"
OnStep = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class SpokenTake:
    """One take asked for in words.

    Attributes:
        prompt, negative_prompt: what it shall and shall not sound like; the latter may be empty.
        facts: what else belongs into its recipe.
    """

    name: str
    prompt: str
    seed: int
    negative_prompt: str = ""
    kind: TakeKind = "object"
    facts: dict[str, Any] = field(default_factory=dict)


def spoken_takes(request: GenerationRequest) -> list[SpokenTake]:
    """The takes of an image in words: an object by its hint or name, a blend by those of all objects."""
    words = {take.name: take.hint or take.name for take in request.takes if take.kind == "object"}
    by_kind = {"blend": " and ".join(words.values()), "ambience": _AMBIENCE}
    image_sha256 = hash_image(request.image)
    return [
        SpokenTake(
            name=take.name,
            prompt=take.hint or by_kind.get(take.kind) or take.name,
            seed=take.seed,
            negative_prompt=take.negative_hint or "",
            kind=take.kind,
            facts={
                "image_sha256": image_sha256,
                "mask_sha256": hash_mask(take.mask),
                "hint": take.hint,
                "negative_hint": take.negative_hint,
            },
        )
        for take in request.takes
    ]


def takes_of_texts(request: TextRequest) -> list[SpokenTake]:
    """The takes of a request that consists of texts."""
    return [
        SpokenTake(name=prompt, prompt=prompt, seed=seed, negative_prompt=request.negative_prompt)
        for prompt, seed in zip(request.prompts, request.seeds, strict=True)
    ]


def check_length(seconds: float, bundle: Bundle) -> None:
    """Raises: EngineError, for more than the model makes at once."""
    longest = longest_seconds(bundle)
    if longest is not None and seconds > longest:
        raise EngineError(f"length is {seconds:g} s: {bundle.name!r} makes at most {longest:.1f} s at once")


class TextEngine:
    """A loaded pipeline. `generate` gives the same samples for the same take, alone or among others."""

    def __init__(self, pipeline: Any, bundle: Bundle, policy: DevicePolicy) -> None:
        self._pipeline = pipeline
        self._bundle = bundle
        self._policy = policy
        self._log_mel = LogMel(bundle.audio.mel)
        scheduler = bundle.folder / "scheduler" / SCHEDULER_FILE
        self._scheduler_config: dict[str, Any] = json.loads(scheduler.read_text(encoding="utf-8"))
        self._make = self._audioldm2 if bundle.text_pipeline == AUDIOLDM2 else self._stable_audio

    @classmethod
    def load(cls, bundle: Bundle, policy: DevicePolicy) -> TextEngine:
        """Load the pipeline of a bundle that was verified. Raises: BundleError."""
        quieten_libraries()
        try:
            load = _load_audioldm2 if bundle.text_pipeline == AUDIOLDM2 else _load_stable_audio
            pipeline = load(bundle, policy.network_dtype).to(policy.device)
            pipeline.set_progress_bar_config(disable=True)
            return cls(pipeline, bundle, policy)
        # Each part comes from a library of its own, with classes of its own for damaged files.
        except Exception as error:
            if is_out_of_memory(error):
                raise
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise BundleError(f"text engine {bundle.name!r} cannot be loaded ({reason}): install it again") from error

    @torch.no_grad()
    def generate(
        self,
        takes: Sequence[SpokenTake],
        *,
        seconds: float,
        sampling: SamplingSettings,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GeneratedTake]:
        """All `takes`, in their order; progress stage 'denoise' (steps times takes).

        Raises:
            EngineError: samples that are not numbers, or memory that is not enough.
            Cancelled: through `cancel`, within one denoising step.
        """
        spec = self._bundle.audio.mel
        n_samples = round(seconds * spec.sample_rate_hz)
        steps = steps_of(sampling)
        reporter = StageReporter(stage="denoise", total=steps * len(takes), on_progress=on_progress, cancel=cancel)
        made = []
        for index, take in enumerate(takes):
            samples = self._samples(
                take,
                n_samples=n_samples,
                sampling=sampling,
                on_step=lambda done, index=index: reporter.step(index * steps + done),  # type: ignore[misc]
            )
            mono = samples.mean(axis=0)
            mel = self._log_mel(torch.from_numpy(mono[:n_samples])[None])[0].numpy()
            sound = finished(mono, mel, spec=spec, n_samples=n_samples, name=take.name, seed=take.seed)
            facts = recipe_facts(self._bundle, self._policy, seed=take.seed, seconds=seconds, sampling=sampling)
            notes = [f"made from the words {take.prompt!r} alone: {self._bundle.name} sees no image"]
            if len(samples) > 1:
                notes.append("mixed down from stereo")
            made.append(
                GeneratedTake(
                    name=take.name,
                    kind=take.kind,
                    waveform=sound.waveform,
                    sample_rate_hz=spec.sample_rate_hz,
                    recipe={
                        **facts,
                        **take.facts,
                        "name": take.name,
                        "kind": take.kind,
                        "prompt": take.prompt,
                        "negative_prompt": take.negative_prompt,
                    },
                    notes=(*notes, *sound.notes),
                    mel=sound.mel,
                    patch_weights=np.zeros(0, dtype=np.float32),
                )
            )
        return made

    def _samples(
        self, take: SpokenTake, *, n_samples: int, sampling: SamplingSettings, on_step: OnStep
    ) -> npt.NDArray[np.float32]:
        """Float32[channels, n], at least `n_samples` long. Raises: OutOfMemoryError, Cancelled."""
        device = self._policy.device
        seconds = n_samples / self._bundle.audio.mel.sample_rate_hz
        with out_of_memory_reported(
            f"memory of {device} ran out on one take of {seconds:g} s", device, seconds=seconds
        ):
            return self._make(take, n_samples, sampling, on_step)

    def _audioldm2(
        self, take: SpokenTake, n_samples: int, sampling: SamplingSettings, on_step: OnStep
    ) -> npt.NDArray[np.float32]:
        audio = self._bundle.audio
        # Whole latent frames, because the pipeline rounds other lengths down.
        frame = audio.mel.hop_length * audio.latent.time_factor
        self._pipeline.scheduler = make_scheduler(self._scheduler_config, sampling)
        sound = self._pipeline(
            take.prompt,
            negative_prompt=take.negative_prompt or None,
            audio_length_in_s=_just_above(math.ceil(n_samples / frame) * frame, audio.mel.sample_rate_hz),
            num_inference_steps=steps_of(sampling),
            guidance_scale=sampling.guidance,
            eta=sampling.eta,
            generator=_generator(take.seed),
            callback=_counting(on_step),
        ).audios
        return np.asarray(sound, dtype=np.float32)

    def _stable_audio(
        self, take: SpokenTake, n_samples: int, sampling: SamplingSettings, on_step: OnStep
    ) -> npt.NDArray[np.float32]:
        self._pipeline.scheduler = _stable_audio_scheduler(self._scheduler_config)
        sound = self._pipeline(
            take.prompt,
            negative_prompt=take.negative_prompt or None,
            audio_end_in_s=_just_above(n_samples, self._bundle.audio.mel.sample_rate_hz),
            num_inference_steps=steps_of(sampling),
            guidance_scale=sampling.guidance,
            generator=_generator(take.seed),
            callback=_counting(on_step),
            output_type="np",
        ).audios
        return np.asarray(sound[0], dtype=np.float32)


@constructing()
def _load_audioldm2(bundle: Bundle, dtype: torch.dtype) -> Any:
    from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
    from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

    # The published index names GPT2Model, which newer versions of transformers do not let generate.
    language_model = GPT2LMHeadModel.from_pretrained(
        bundle.folder / "language_model", use_safetensors=True, local_files_only=True
    ).to(dtype)
    return AudioLDM2Pipeline.from_pretrained(
        bundle.folder, language_model=language_model, torch_dtype=dtype, use_safetensors=True, local_files_only=True
    )


@constructing()
def _load_stable_audio(bundle: Bundle, dtype: torch.dtype) -> Any:
    from diffusers.pipelines.stable_audio.pipeline_stable_audio import StableAudioPipeline

    config = json.loads((bundle.folder / "scheduler" / SCHEDULER_FILE).read_text(encoding="utf-8"))
    return StableAudioPipeline.from_pretrained(
        bundle.folder,
        scheduler=_stable_audio_scheduler(config),
        torch_dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
    )


def _stable_audio_scheduler(config: dict[str, Any]) -> Any:
    """DPM-Solver++ on the model's own noise levels, for both presets.

    The published index names the stochastic variant, which needs another package (torchsde) and draws its noise in an
    order of its own; the ordinary one follows from the seed alone.
    """
    from diffusers.schedulers.scheduling_edm_dpmsolver_multistep import EDMDPMSolverMultistepScheduler

    keep = ("sigma_min", "sigma_max", "sigma_data", "sigma_schedule", "prediction_type")
    return EDMDPMSolverMultistepScheduler(
        **{key: config[key] for key in keep if key in config}, algorithm_type="dpmsolver++", solver_order=2
    )


def _generator(seed: int) -> torch.Generator:
    # On the CPU, so that a seed means the same on every device.
    return torch.Generator("cpu").manual_seed(seed)


def _just_above(n_samples: int, rate_hz: int) -> float:
    """A length in seconds that the pipelines' `int(seconds * rate)` turns into exactly `n_samples`."""
    return (n_samples + 0.25) / rate_hz


def _counting(on_step: OnStep) -> Callable[..., None]:
    """A callback for diffusers; it may raise `Cancelled`."""
    return lambda index, _timestep, _latents: on_step(index + 1)
