"""Published text-to-sound models behind the session, one take at a time.

They are text-only. An object is rendered from its prompt or its name, which is the paper's captioning baseline with a
person for the captioner; what its mask shows makes no difference, and every take says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final

import numpy as np
import torch

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.postprocess import postprocess
from sounddesk.engine.generation.postprocess import recipe_facts
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
from sounddesk.engine.types import TakeKind
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import image_sha256
from sounddesk.engine.types import steps_of

_AMBIENCE: Final = "background sound of the place"


@dataclass(frozen=True, kw_only=True)
class TextPrompt:
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
        prompts = prompts_of_texts(request) if isinstance(request, TextRequest) else prompts_of_objects(request)
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
            # 4. One channel of the exact length, nothing broken or silent unannounced, and the recipe.
            mono = channels.mean(axis=0)
            sound = postprocess(mono, audio=bundle.audio, seconds=seconds, name=take.name, seed=take.seed)
            notes = [f"made from the words {take.prompt!r} alone: {bundle.name} sees no image"]
            if len(channels) > 1:
                notes.append("mixed down from stereo")
            recipe = {
                **recipe_facts(bundle, self._policy, seed=take.seed, seconds=seconds, sampling=sampling),
                **take.facts,
                "name": take.name,
                "kind": take.kind,
                "prompt": take.prompt,
                "negative_prompt": take.negative_prompt,
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


def prompts_of_objects(request: GenerationRequest) -> list[TextPrompt]:
    """The takes of an image in words: an object by its prompt, the proposed one or its name; a blend by all."""
    words = {
        take.name: take.prompt or take.proposed_prompt or take.name for take in request.takes if take.kind == "object"
    }
    by_kind = {"blend": " and ".join(words.values()), "ambience": _AMBIENCE}
    image_hash = image_sha256(request.image)
    return [
        TextPrompt(
            name=take.name,
            prompt=take.prompt or take.proposed_prompt or by_kind.get(take.kind) or take.name,
            seed=take.seed,
            negative_prompt=take.negative_prompt or "",
            kind=take.kind,
            facts={
                "image_sha256": image_hash,
                "mask_sha256": take.mask_sha256,
                "hint": take.prompt,
                "negative_hint": take.negative_prompt,
            },
        )
        for take in request.takes
    ]


def prompts_of_texts(request: TextRequest) -> list[TextPrompt]:
    """The takes of a request that consists of texts."""
    return [
        TextPrompt(name=prompt, prompt=prompt, seed=seed, negative_prompt=request.negative_prompt)
        for prompt, seed in zip(request.prompts, request.seeds, strict=True)
    ]
