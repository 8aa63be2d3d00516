"""Steps 5 and 6 of a generation: masks and hints of all takes -> patch weights -> one batch of condition vectors."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import mask_sha256
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.generation.patch_weights import weights_with_hint
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.grounding import ObjectViews
from sounddesk.engine.models.image_encoder import fit_mask
from sounddesk.engine.models.text_encoder import TextEncoder
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage

MAX_SEED: Final = 2**63 - 1
NO_STATISTICS_NOTE: Final = "bundle has no attention statistics: uniform weights on the mask"


@dataclass(frozen=True, kw_only=True, eq=False)
class TakeConditions:
    """What the denoiser listens to, one row per take.

    Attributes:
        condition: float32[N, C].
        null: float32[N, C], the condition of the unconditional pass.
        patch_weights: float32[N, P].
        notes: per take, what the user should know.
    """

    condition: Tensor
    null: Tensor
    patch_weights: npt.NDArray[np.float32]
    notes: tuple[tuple[str, ...], ...]


def check_request(request: GenerationRequest) -> None:
    """Refuse what cannot be generated before any network runs.

    Raises:
        EngineError: an empty mask, one with values outside 0 to 1, or one of another size than the image.
        ValueError: no take, an image that is not uint8[H, W, 3], or a seed out of range.
    """
    check_image(request.image)
    if not request.takes:
        raise ValueError("nothing to generate: ask for at least one take")
    for take in request.takes:
        if not 0 <= take.seed <= MAX_SEED:
            raise ValueError(f"seed of {take.name!r} is {take.seed}: choose from 0 to {MAX_SEED}")
        _check_mask(take, size=(request.image.shape[0], request.image.shape[1]))


def check_image(image: RgbImage) -> None:
    """Raises: ValueError, when `image` is not uint8[H, W, 3] with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image is {image.dtype}{list(image.shape)}: give sRGB uint8[H, W, 3]")


def _check_mask(take: ObjectRequest, *, size: tuple[int, int]) -> None:
    mask = take.mask
    if mask.shape != size:
        raise EngineError(
            f"mask of {take.name!r} is {_pixels(mask.shape)}, the image {_pixels(size)}: "
            "give a mask of the image's size"
        )
    if mask.dtype != np.bool_ and not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1):
        raise EngineError(f"mask of {take.name!r} has values outside 0 to 1: give probabilities or a bool mask")
    # A probability mask is empty when no pixel is more likely object than not: that is the mask the user sees.
    if not (mask.any() if mask.dtype == np.bool_ else mask.max() >= 0.5):
        raise EngineError(f"mask of {take.name!r} is empty: select an object or paint one")


def _pixels(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in reversed(shape)) + " pixels"


def hash_mask(mask: FloatMask | BoolMask) -> str:
    """Sha256 of the mask's size and values; a mask of zeros and ones hashes as the bool mask that it is."""
    if mask.dtype == np.bool_ or np.isin(mask, (0, 1)).all():
        return mask_sha256(mask.astype(np.bool_))
    digest = hashlib.sha256(struct.pack("<II", *mask.shape))
    digest.update(np.ascontiguousarray(mask, dtype="<f4").tobytes())
    return digest.hexdigest()


@torch.no_grad()
def attention_weights(conditioner: ObjectConditioner, text: Tensor, patches: Tensor) -> npt.NDArray[np.float32]:
    """Attention of texts float[B, Lt] over patches float[B, P, Lv], mean over heads: float32[B, P], rows sum to 1."""
    weights = conditioner.weights(text, patches)
    if weights.dim() == 3:
        weights = weights.mean(dim=1)
    result: npt.NDArray[np.float32] = weights.float().cpu().numpy()
    return result


@torch.no_grad()
def make_conditions(
    takes: Sequence[ObjectRequest],
    patches: Tensor,
    *,
    conditioner: ObjectConditioner,
    text_encoder: TextEncoder | None,
    views: ObjectViews,
) -> TakeConditions:
    """Patch weights and conditions of all takes of one image.

    Args:
        takes: checked by `check_request`.
        patches: float32[P, Lv] of the image.
        views: the image and the takes' masks, for a conditioner that looks at it again.
        text_encoder: needed as soon as one take has a hint or a negative hint.

    Raises:
        EngineError: a mask lies wholly outside what the bundle sees of the image.
    """
    config = conditioner.config
    batch = patches[None].expand(len(takes), -1, -1)
    hinted = [index for index, take in enumerate(takes) if take.hint]
    texts = torch.zeros(len(takes), config.text_width, device=patches.device)
    attention = np.zeros((len(takes), config.patches), dtype=np.float32)
    if hinted:
        if text_encoder is None:
            raise ValueError("a hint needs the text encoder")
        texts[hinted] = text_encoder.encode([str(takes[index].hint) for index in hinted]).float()
        attention[hinted] = attention_weights(conditioner, texts[hinted], batch[hinted])
    attention_std = conditioner.attention_std()
    rows = []
    for index, take in enumerate(takes):
        coverage = _coverage(take, conditioner)
        weights = rescale_to_attention(coverage, attention_std=attention_std, nonneg=config.mask_nonneg)
        if take.hint:
            weights = weights_with_hint(weights, attention[index], coverage, sharpness=config.hint_sharpness)
        rows.append(weights)
    patch_weights = np.stack(rows)
    condition = conditioner.conditions(torch.from_numpy(patch_weights).to(patches.device), batch, views)
    if hinted and config.hint_blend > 0:
        mixed = (1.0 - config.hint_blend) * condition[hinted] + config.hint_blend * texts[hinted]
        condition[hinted] = torch.nn.functional.normalize(mixed, dim=-1) if config.normalise else mixed
    null = conditioner.null(batch).float()
    avoided = [index for index, take in enumerate(takes) if take.negative_hint]
    if avoided:
        if text_encoder is None:
            raise ValueError("a negative hint needs the text encoder")
        if config.out_width != config.text_width:
            raise EngineError("negative hint: conditions of this bundle are not in the text encoder's space; remove it")
        null = null.clone()
        null[avoided] = text_encoder.encode([str(takes[index].negative_hint) for index in avoided]).float()
    note = (NO_STATISTICS_NOTE,) if attention_std is None else ()
    return TakeConditions(
        condition=condition,
        null=null,
        patch_weights=patch_weights,
        notes=(note,) * len(takes),
    )


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
