"""Image, masks and prompts -> patches, patch weights, and the condition vectors that the denoiser listens to."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.domain.errors import EngineError
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.generation.patch_weights import weights_with_prompt
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.grounding import ObjectViews
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.models.image_encoder import fit_mask
from sounddesk.engine.models.text_encoder import TextEncoder
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import image_sha256

NO_STATISTICS_NOTE: Final = "bundle has no attention statistics: uniform weights on the mask"


@dataclass(frozen=True, kw_only=True, eq=False)
class PromptVectors:
    """The takes' prompts as vectors of the text encoder.

    Attributes:
        positive, negative: float32[Lt] by the index of the take; of those that have such a prompt.
    """

    positive: dict[int, Tensor]
    negative: dict[int, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """What the denoiser listens to, one row per take.

    Attributes:
        condition: float32[N, C].
        null: float32[N, C], the condition of the unconditional pass.
    """

    condition: Tensor
    null: Tensor


@torch.no_grad()
def encode_patches(image: RgbImage, networks: Networks) -> Tensor:
    """Patches float32[P, D] of one image on the bundle's device, from the cache where they are in it."""
    key = image_sha256(image)
    patches = networks.patches.get(key)
    if patches is None:
        with opened_image_encoder(networks) as encoder:
            patches = encoder.encode([image])[0].float()
        networks.patches.put(key, patches)
    return patches


@contextmanager
def opened_image_encoder(networks: Networks) -> Iterator[ImageEncoder]:
    """The image encoder on its device and in its precision. Raises: OutOfMemoryError."""
    device = networks.policy.device
    with (
        out_of_memory_reported(f"memory of {device} ran out on the image", device),
        networks.components.image_encoder as encoder,
        networks.policy.network_precision(),
    ):
        yield encoder


@torch.no_grad()
def encode_prompts(takes: Sequence[ObjectRequest], text_encoder: AbstractContextManager[TextEncoder]) -> PromptVectors:
    """Vectors of all prompts.

    Args:
        text_encoder: entered only where a take has a prompt or a negative prompt.
    """
    wanted = [index for index, take in enumerate(takes) if take.prompt]
    avoided = [index for index, take in enumerate(takes) if take.negative_prompt]
    if not wanted and not avoided:
        return PromptVectors(positive={}, negative={})
    with text_encoder as encoder:
        positive = encoder.encode([str(takes[index].prompt) for index in wanted]).float() if wanted else ()
        negative = encoder.encode([str(takes[index].negative_prompt) for index in avoided]).float() if avoided else ()
    return PromptVectors(
        positive=dict(zip(wanted, positive, strict=True)), negative=dict(zip(avoided, negative, strict=True))
    )


@torch.no_grad()
def attention_weights(conditioner: ObjectConditioner, text: Tensor, patches: Tensor) -> npt.NDArray[np.float32]:
    """Attention of texts float[B, Lt] over patches float[B, P, Lv], mean over heads: float32[B, P], rows sum to 1."""
    weights = conditioner.weights(text, patches)
    if weights.dim() == 3:
        weights = weights.mean(dim=1)
    result: npt.NDArray[np.float32] = weights.float().cpu().numpy()
    return result


@torch.no_grad()
def weigh_patches(
    takes: Sequence[ObjectRequest], patches: Tensor, prompts: PromptVectors, conditioner: ObjectConditioner
) -> npt.NDArray[np.float32]:
    """Patch weights float32[N, P], rows sum to 1: each take's mask by the rule of paper 3.2, steered by its prompt.

    Args:
        takes: checked.
        patches: float32[P, Lv] of the image.

    Raises:
        EngineError: a mask lies wholly outside what the bundle sees of the image.
    """
    config = conditioner.config
    attention: dict[int, npt.NDArray[np.float32]] = {}
    if prompts.positive:
        texts = torch.stack(list(prompts.positive.values()))
        rows = attention_weights(conditioner, texts, patches[None].expand(len(texts), -1, -1))
        attention = dict(zip(prompts.positive, rows, strict=True))
    attention_std = conditioner.attention_std()
    found = []
    for index, take in enumerate(takes):
        coverage = _coverage(take, conditioner)
        weights = rescale_to_attention(coverage, attention_std=attention_std, nonneg=config.mask_nonneg)
        if index in attention:
            weights = weights_with_prompt(weights, attention[index], coverage, sharpness=config.hint_sharpness)
        found.append(weights)
    return np.stack(found)


@torch.no_grad()
def make_conditions(
    patch_weights: npt.NDArray[np.float32],
    patches: Tensor,
    prompts: PromptVectors,
    *,
    conditioner: ObjectConditioner,
    views: ObjectViews,
) -> Conditions:
    """Conditions of all takes of one image.

    Args:
        patch_weights: float32[N, P] as `weigh_patches` gives them.
        patches: float32[P, Lv] of the image.
        views: the image and the takes' masks, for a conditioner that looks at it again.

    Raises:
        EngineError: a negative prompt for a bundle whose conditions are not in its text encoder's space.
    """
    config = conditioner.config
    if prompts.negative and config.out_width != config.text_width:
        raise EngineError("negative prompt: conditions of this bundle are not in the text encoder's space; remove it")
    batch = patches[None].expand(len(patch_weights), -1, -1)
    condition = conditioner.conditions(torch.from_numpy(patch_weights).to(patches.device), batch, views)
    if prompts.positive and config.hint_blend > 0:
        rows = list(prompts.positive)
        texts = torch.stack(list(prompts.positive.values()))
        mixed = (1.0 - config.hint_blend) * condition[rows] + config.hint_blend * texts
        condition[rows] = torch.nn.functional.normalize(mixed, dim=-1) if config.normalise else mixed
    null = conditioner.null(batch).float()
    if prompts.negative:
        null = null.clone()
        null[list(prompts.negative)] = torch.stack(list(prompts.negative.values()))
    return Conditions(condition=condition, null=null)


def views_of(image: RgbImage, takes: Sequence[ObjectRequest], networks: Networks) -> ObjectViews:
    """The image again, with the masks of the takes that stand for a single object."""
    return ObjectViews(
        image=image,
        masks=[take.mask if take.kind == "object" else None for take in takes],
        open_encoder=lambda: opened_image_encoder(networks),
    )


def condition_object(image: RgbImage, take: ObjectRequest, networks: Networks) -> Conditions:
    """Conditions of one object, rows of 1; for a look at them, or for beds. Raises: EngineError."""
    conditioner = networks.components.conditioner
    patches = encode_patches(image, networks)
    prompts = encode_prompts([take], networks.components.text_encoder)
    weights = weigh_patches([take], patches, prompts, conditioner)
    views = views_of(image, [take], networks)
    return make_conditions(weights, patches, prompts, conditioner=conditioner, views=views)


def weigh_object(image: RgbImage, take: ObjectRequest, networks: Networks) -> npt.NDArray[np.float32]:
    """Patch weights float32[P] of one object. Raises: EngineError."""
    patches = encode_patches(image, networks)
    prompts = encode_prompts([take], networks.components.text_encoder)
    return weigh_patches([take], patches, prompts, networks.components.conditioner)[0]


@torch.no_grad()
def attend(image: RgbImage, texts: Sequence[str], networks: Networks) -> npt.NDArray[np.float32]:
    """Attention of texts over the patches of an image, float32[len(texts), P]."""
    patches = encode_patches(image, networks)[None].expand(len(texts), -1, -1)
    with networks.components.text_encoder as text_encoder:
        words = text_encoder.encode(texts).float()
    return attention_weights(networks.components.conditioner, words, patches)


def _coverage(take: ObjectRequest, conditioner: ObjectConditioner) -> npt.NDArray[np.float32]:
    """The mask on the patch grid, through the same geometry as the image; float32[P], largest value 1."""
    config = conditioner.config
    mask = fit_mask(take.mask, geometry=config.geometry).astype(np.float32)
    if config.mask_source == "binary":
        mask = (mask >= 0.5).astype(np.float32)
    coverage = patch_coverage(mask, grid=config.grid)
    largest = float(coverage.max())
    if largest <= 0.0:
        raise EngineError(
            f"mask of {take.name!r} lies outside the central square, which is all this bundle sees: "
            "choose an object nearer to the middle"
        )
    # The mask rule does not depend on scale; without this an object of a few pixels in a large photograph
    # would count as 'no difference between patches'.
    return (coverage / largest).astype(np.float32)
