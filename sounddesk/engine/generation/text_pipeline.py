"""Texts to takes: the text vector itself in the place of the object's condition, as the published AudioLDM works."""

from __future__ import annotations

import numpy as np
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.generation.pipeline import Denoising
from sounddesk.engine.generation.pipeline import Engine
from sounddesk.engine.generation.pipeline import decode_sound
from sounddesk.engine.generation.pipeline import denoise_all
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.take_conditions import MAX_SEED
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import TextRequest


def check_text_request(request: TextRequest, bundle: Bundle) -> None:
    """Refuse what cannot be generated before any network runs.

    Raises:
        EngineError: an empty text, or a bundle that cannot be conditioned on texts.
        ValueError: no take, as many seeds as texts are not there, or a seed out of range.
    """
    if not request.prompts or len(request.prompts) != len(request.seeds):
        raise ValueError(f"{len(request.prompts)} texts and {len(request.seeds)} seeds: give one seed per text")
    for seed in request.seeds:
        if not 0 <= seed <= MAX_SEED:
            raise ValueError(f"seed is {seed}: choose from 0 to {MAX_SEED}")
    if not all(prompt.strip() for prompt in request.prompts):
        raise EngineError("text is empty: describe the sound")
    if bundle.text_pipeline is None and not texts_are_conditions(bundle):
        raise EngineError(f"bundle {bundle.name!r} cannot make sound from texts: its conditions are in another space")


def texts_are_conditions(bundle: Bundle) -> bool:
    """Whether the bundle's text encoder gives vectors of the space that its conditions are in."""
    grounding = bundle.manifest.grounding
    if bundle.text_pipeline is not None:
        return False
    return bool(grounding["out_width"] == grounding["text_width"])


@torch.no_grad()
def generate_text_takes(
    request: TextRequest,
    engine: Engine,
    *,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> list[GeneratedTake]:
    """All takes of `request`, checked by `check_text_request`; every different text is encoded once.

    Raises:
        EngineError: non-finite samples, or memory that is not enough even for one take.
        Cancelled: through `cancel`, within one denoising step.
    """
    texts = list(dict.fromkeys([request.negative_prompt, *request.prompts]))
    with engine.components.text_encoder as text_encoder:
        vectors = dict(zip(texts, text_encoder.encode(texts).float(), strict=True))
    latents, batch_notes = denoise_all(
        Denoising(
            condition=torch.stack([vectors[prompt] for prompt in request.prompts]),
            null=vectors[request.negative_prompt][None].expand(len(request.prompts), -1),
            seeds=request.seeds,
            seconds=request.seconds,
            sampling=request.sampling,
        ),
        engine,
        on_progress=on_progress,
        cancel=cancel,
    )
    reporter = StageReporter(stage="decode", total=len(request.prompts), on_progress=on_progress, cancel=cancel)
    takes = []
    with engine.components.codec, engine.components.vocoder:
        for index, (prompt, seed) in enumerate(zip(request.prompts, request.seeds, strict=True)):
            sound = decode_sound(latents[index : index + 1], engine, name=prompt, seed=seed, seconds=request.seconds)
            facts = recipe_facts(
                engine.bundle, engine.policy, seed=seed, seconds=request.seconds, sampling=request.sampling
            )
            takes.append(
                GeneratedTake(
                    name=prompt,
                    kind="object",
                    waveform=sound.waveform,
                    sample_rate_hz=engine.bundle.audio.mel.sample_rate_hz,
                    recipe={**facts, "prompt": prompt, "negative_prompt": request.negative_prompt},
                    notes=(*batch_notes, *sound.notes),
                    mel=sound.mel,
                    patch_weights=np.zeros(0, dtype=np.float32),
                )
            )
            reporter.step(index + 1)
    return takes
