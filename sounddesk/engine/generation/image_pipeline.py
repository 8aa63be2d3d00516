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
from sounddesk.engine.generation.denoising import Denoising
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.take_rendering import drawn_facts
from sounddesk.engine.generation.take_rendering import render_takes
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

        Progress stages: 'encode image', then those of `render_takes`.

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
        # 6. Latents -> log-mel -> samples of the exact length, nothing broken or silent unannounced.
        rendered, batch_notes = render_takes(
            asked, networks, names=[take.name for take in takes], on_progress=on_progress, cancel=cancel
        )
        # 7. The recipe of each.
        notes = batch_notes if conditioner.attention_std() is not None else (NO_STATISTICS_NOTE, *batch_notes)
        facts: dict[str, Any] = {"image_sha256": image_sha256(request.image)}
        made = []
        for take, each, weights in zip(takes, rendered, patch_weights, strict=True):
            recipe = {
                **recipe_facts(
                    networks.bundle,
                    networks.policy,
                    seed=take.seed,
                    seconds=request.seconds,
                    sampling=request.sampling,
                ),
                **drawn_facts(each, seed=take.seed),
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
                    waveform=each.sound.waveform,
                    sample_rate_hz=spec.sample_rate_hz,
                    recipe=recipe,
                    notes=(*notes, *each.sound.notes),
                    patch_weights=weights.copy(),
                )
            )
        return made
