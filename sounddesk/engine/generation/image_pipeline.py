"""Image and masks to takes: the paper's method, as numbered steps."""

from __future__ import annotations

from typing import Any

import torch

from sounddesk.engine.generation.conditioning import NO_STATISTICS_NOTE
from sounddesk.engine.generation.conditioning import encode_patches
from sounddesk.engine.generation.conditioning import encode_prompts
from sounddesk.engine.generation.conditioning import make_conditions
from sounddesk.engine.generation.conditioning import views_of
from sounddesk.engine.generation.conditioning import weigh_patches
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
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import image_sha256


class ImagePipeline:
    """Takes of the objects of one image."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.no_grad()
    def generate(
        self,
        request: GenerationRequest,
        *,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GeneratedTake]:
        """All takes of `request`, in its order.

        Progress stages: 'encode image', 'denoise' (units: steps times takes), 'decode' (takes).

        Raises:
            EngineError: a mask that cannot be used, non-finite samples, or memory that is not enough for one take.
            ValueError: a value out of range (length, seed, image type).
            Cancelled: through `cancel`, within one denoising step.
        """
        networks, takes = self._networks, request.takes
        components, spec = networks.components, networks.bundle.audio
        conditioner = components.conditioner
        # 1. Refuse before working.
        request.check()
        # 2. Image -> patches float32[P, D], once per image.
        reporter = StageReporter(stage="encode image", total=1, on_progress=on_progress, cancel=cancel)
        patches = encode_patches(request.image, networks)
        reporter.step(1)
        # 3. Masks and prompts -> patch weights float32[N, P].
        prompts = encode_prompts(takes, components.text_encoder)
        patch_weights = weigh_patches(takes, patches, prompts, conditioner)
        # 4. Patch weights -> conditions float32[N, C].
        views = views_of(request.image, takes, networks)
        conditions = make_conditions(patch_weights, patches, prompts, conditioner=conditioner, views=views)
        # 5. Noise and the guided denoising loop -> latents float32[N, c, t, f].
        asked = Denoising(
            condition=conditions.condition,
            null=conditions.null,
            seeds=tuple(take.seed for take in takes),
            seconds=request.seconds,
            sampling=request.sampling,
        )
        latents, batch_notes = denoise_all(asked, networks, on_progress=on_progress, cancel=cancel)
        # 6. Latents -> log-mel -> samples.
        reporter = StageReporter(stage="decode", total=len(takes), on_progress=on_progress, cancel=cancel)
        decoded = decode_all(
            latents, networks, seeds=[take.seed for take in takes], seconds=request.seconds, reporter=reporter
        )
        # 7. The exact length, nothing broken or silent unannounced, and the recipe of each.
        notes = batch_notes if conditioner.attention_std() is not None else (NO_STATISTICS_NOTE, *batch_notes)
        facts: dict[str, Any] = {"image_sha256": image_sha256(request.image)}
        made = []
        for take, samples, weights in zip(takes, decoded, patch_weights, strict=True):
            finished = postprocess(samples, audio=spec, seconds=request.seconds, name=take.name, seed=take.seed)
            recipe = {
                **recipe_facts(
                    networks.bundle,
                    networks.policy,
                    seed=take.seed,
                    seconds=request.seconds,
                    sampling=request.sampling,
                ),
                **facts,
                "name": take.name,
                "kind": take.kind,
                "mask_sha256": take.mask_sha256,
                "hint": take.prompt,
                "negative_hint": take.negative_prompt,
            }
            made.append(
                GeneratedTake(
                    name=take.name,
                    kind=take.kind,
                    waveform=finished.waveform,
                    sample_rate_hz=spec.sample_rate_hz,
                    recipe=recipe,
                    notes=(*notes, *finished.notes),
                    patch_weights=weights.copy(),
                )
            )
        return made
