"""Texts to takes: the text vector itself in the place of the object's condition, as the published AudioLDM works."""

from __future__ import annotations

import numpy as np
import torch

from sounddesk.engine.generation.decoding import decode_all
from sounddesk.engine.generation.denoising import Denoising
from sounddesk.engine.generation.denoising import denoise_all
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.postprocess import postprocess
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import TextRequest


class TextPipeline:
    """Takes of texts, by the networks of a bundle that sees images; its conditions are in its texts' space."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.no_grad()
    def generate(
        self, request: TextRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> list[GeneratedTake]:
        """All takes of `request`, in its order.

        Progress stages: 'denoise' (units: steps times takes), 'decode' (takes).

        Raises:
            EngineError: an empty text, conditions that are in another space than the texts, non-finite samples, or
                memory that is not enough for one take.
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        networks, prompts = self._networks, request.prompts
        spec = networks.bundle.audio
        # 1. Refuse before working.
        request.check()
        networks.bundle.require_texts()
        # 2. Texts -> conditions float32[N, C], every different text once.
        texts = list(dict.fromkeys([request.negative_prompt, *prompts]))
        with networks.components.text_encoder as text_encoder:
            vectors = dict(zip(texts, text_encoder.encode(texts).float(), strict=True))
        # 3. Noise and the guided denoising loop -> latents float32[N, c, t, f].
        asked = Denoising(
            condition=torch.stack([vectors[prompt] for prompt in prompts]),
            null=vectors[request.negative_prompt][None].expand(len(prompts), -1),
            seeds=request.seeds,
            seconds=request.seconds,
            sampling=request.sampling,
        )
        latents, batch_notes = denoise_all(asked, networks, on_progress=on_progress, cancel=cancel)
        # 4. Latents -> log-mel -> samples.
        reporter = StageReporter(stage="decode", total=len(prompts), on_progress=on_progress, cancel=cancel)
        decoded = decode_all(latents, networks, seeds=request.seeds, seconds=request.seconds, reporter=reporter)
        # 5. The exact length, nothing broken or silent unannounced, and the recipe of each.
        made = []
        for prompt, seed, samples in zip(prompts, request.seeds, decoded, strict=True):
            finished = postprocess(samples, audio=spec, seconds=request.seconds, name=prompt, seed=seed)
            facts = recipe_facts(
                networks.bundle, networks.policy, seed=seed, seconds=request.seconds, sampling=request.sampling
            )
            made.append(
                GeneratedTake(
                    name=prompt,
                    kind="object",
                    waveform=finished.waveform,
                    sample_rate_hz=spec.sample_rate_hz,
                    recipe={**facts, "prompt": prompt, "negative_prompt": request.negative_prompt},
                    notes=(*batch_notes, *finished.notes),
                    patch_weights=np.zeros(0, dtype=np.float32),
                )
            )
        return made
