"""Texts to takes: the text vector itself in the place of the object's condition, as the published AudioLDM works."""

from __future__ import annotations

import numpy as np
import torch

from sounddesk.engine.generation.denoising import Denoising
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.take_rendering import drawn_facts
from sounddesk.engine.generation.take_rendering import render_takes
from sounddesk.engine.generation.text_prompts import prompts_of
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import TextRequest


class TextPipeline:
    """Takes of texts, by the networks of a bundle that sees images; its conditions are in its texts' space."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.no_grad()
    def generate(
        self,
        request: GenerationRequest | TextRequest,
        *,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GeneratedTake]:
        """All takes of `request`, in its order; of an image's objects nothing counts but their words.

        Progress stages: those of `render_takes`.

        Raises:
            EngineError: an empty text, conditions that are in another space than the texts, non-finite samples, or
                memory that is not enough for one take.
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        networks, prompts = self._networks, prompts_of(request)
        spec = networks.bundle.audio
        # 1. Refuse before working.
        request.check()
        networks.bundle.require_texts()
        # 2. Texts -> conditions float32[N, C], every different text once.
        texts = list(dict.fromkeys(text for each in prompts for text in (each.negative_prompt, each.prompt)))
        with networks.components.text_encoder as text_encoder:
            vectors = dict(zip(texts, text_encoder.encode(texts).float(), strict=True))
        # 3. Noise and the guided denoising loop -> latents float32[N, c, t, f].
        seeds = tuple(each.seed for each in prompts)
        asked = Denoising(
            condition=torch.stack([vectors[each.prompt] for each in prompts]),
            null=torch.stack([vectors[each.negative_prompt] for each in prompts]),
            seeds=seeds,
            seconds=request.seconds,
            sampling=request.sampling,
        )
        # 4. Latents -> log-mel -> samples of the exact length, nothing broken or silent unannounced.
        names = [each.name for each in prompts]
        rendered, batch_notes = render_takes(asked, networks, names=names, on_progress=on_progress, cancel=cancel)
        # 5. The recipe of each.
        made = []
        for each, drawn in zip(prompts, rendered, strict=True):
            facts = recipe_facts(
                networks.bundle, networks.policy, seed=each.seed, seconds=request.seconds, sampling=request.sampling
            )
            words = {"prompt": each.prompt, "negative_prompt": each.negative_prompt}
            made.append(
                GeneratedTake(
                    name=each.name,
                    kind=each.kind,
                    waveform=drawn.sound.waveform,
                    sample_rate_hz=spec.sample_rate_hz,
                    recipe={**facts, **drawn_facts(drawn, seed=each.seed), **each.facts, **words},
                    notes=(*batch_notes, *drawn.sound.notes),
                    patch_weights=np.zeros(0, dtype=np.float32),
                )
            )
        return made
