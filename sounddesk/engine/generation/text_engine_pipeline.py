"""Published text-to-sound models behind the session, one take at a time.

They are text-only. An object is rendered from its prompt or its name, which is the paper's captioning baseline with a
person for the captioner; what its mask shows makes no difference, and every take says so.
"""

from __future__ import annotations

import numpy as np
import torch

from sounddesk.domain.take import waveform_of
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.postprocess import postprocess
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.text_prompts import prompts_of
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.models.construction import quieten_libraries
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.text_engines.registry import TEXT_ENGINES
from sounddesk.engine.text_engines.registry import SoundPrompt
from sounddesk.engine.text_engines.registry import TextEngine
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import steps_of


class TextEnginePipeline:
    """A loaded text engine. `generate` gives the same samples for the same take, alone or among others."""

    def __init__(self, engine: TextEngine, bundle: Bundle, policy: DevicePolicy) -> None:
        self._engine = engine
        self._bundle = bundle
        self._policy = policy

    @classmethod
    def load(cls, bundle: Bundle, policy: DevicePolicy) -> TextEnginePipeline:
        """Load the engine of a bundle that was verified. Raises: BundleError."""
        quieten_libraries()
        try:
            with constructing():
                engine = TEXT_ENGINES.get(bundle.text_engine or "").load(bundle.folder, bundle.audio, policy)
        # Each part comes from a library of its own, with exceptions of its own for damaged files.
        except Exception as error:
            if is_out_of_memory(error):
                raise
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise BundleError(f"text engine {bundle.name!r} cannot be loaded ({reason}): install it again") from error
        return cls(engine, bundle, policy)

    @torch.no_grad()
    def generate(
        self,
        request: GenerationRequest | TextRequest,
        *,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GeneratedTake]:
        """All takes of `request`, in its order; progress stage 'denoise' (steps times takes).

        Raises:
            EngineError: samples that are not numbers, or memory that is not enough.
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        bundle, device = self._bundle, self._policy.device
        spec, seconds, sampling = bundle.audio.mel, request.seconds, request.sampling
        n_samples = round(seconds * spec.sample_rate_hz)
        # 1. Refuse before working.
        request.check()
        bundle.check_length(seconds)
        # 2. The request in words.
        prompts = prompts_of(request)
        steps = steps_of(sampling)
        reporter = StageReporter(stage="denoise", total=steps * len(prompts), on_progress=on_progress, cancel=cancel)
        made = []
        for index, take in enumerate(prompts):
            # 3. Words -> samples, by the model's own way.
            with out_of_memory_reported(
                f"memory of {device} ran out on one take of {seconds:g} s", device, seconds=seconds
            ):
                channels = self._engine.sample(
                    SoundPrompt(
                        prompt=take.prompt,
                        negative_prompt=take.negative_prompt,
                        seed=take.seed,
                        n_samples=n_samples,
                        sampling=sampling,
                    ),
                    on_step=lambda done, before=index * steps: reporter.step(before + done),  # type: ignore[misc]
                )
            # 4. The exact length in mono or stereo, nothing broken or silent unannounced, and the recipe.
            sound = postprocess(
                waveform_of(channels.T), audio=bundle.audio, seconds=seconds, name=take.name, seed=take.seed
            )
            notes = [f"made from the words {take.prompt!r} alone: {bundle.name} sees no image"]
            if len(channels) > 2:
                notes.append(f"mixed down from {len(channels)} channels")
            recipe = {
                **recipe_facts(bundle, self._policy, seed=take.seed, seconds=seconds, sampling=sampling),
                **take.facts,
                "name": take.name,
                "kind": take.kind,
                "prompt": take.prompt,
                "negative_prompt": take.negative_prompt,
                "channels": sound.waveform.ndim,
            }
            made.append(
                GeneratedTake(
                    name=take.name,
                    kind=take.kind,
                    waveform=sound.waveform,
                    sample_rate_hz=spec.sample_rate_hz,
                    recipe=recipe,
                    notes=(*notes, *sound.notes),
                    patch_weights=np.zeros(0, dtype=np.float32),
                )
            )
        return made
