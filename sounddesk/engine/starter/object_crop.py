"""A crop of a selected object: cut out, laid on white and enlarged.

In a scene of several things an object covers a few patches, and each of them also sees its neighbours. Enlarged, it has
about the size at which the starter's image encoder was tuned, and on white nothing else is to be seen: by
both views 0.824 of unseen objects had their own kind nearest, with their surroundings 0.805 (decision 41).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import flatten_map
from sounddesk.engine.starter.class_branch import SHARED_STRIDES
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

# Side of the region in longest sides of the object.
_ROOM: Final = 1.15
# Likewise, where the surroundings are seen too.
_SURROUNDED_ROOM: Final = 1.3
_LEAST_SIDE_PX: Final = 16.0
# Of the paper around the object; a little grey, so that a white object keeps its outline.
_PAPER: Final = 235.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectCrop:
    """The region around an object.

    Attributes:
        pixels: sRGB uint8[S, S, 3].
        mask: float32[S, S], which of them belong to the object, 0 to 1.
    """

    pixels: RgbImage
    mask: FloatMask


@dataclass(frozen=True, kw_only=True, eq=False)
class CropFeatures:
    """A crop as the image encoder sees it.

    Attributes:
        patches: float32[P, D] of the crop, on the grid of the whole image's.
        logits: float32[P, classes + kinds] of the same patches (`ClassBranch.logits`).
        mask: as in `ObjectCrop`.
    """

    patches: Tensor
    logits: Tensor
    mask: FloatMask


def crop_side(encoder: ImageEncoder) -> int:
    """Side in pixels of the crops that `encode_crops` takes.

    As much smaller than a whole image as the cells are that need no average: an object comes out as large.
    """
    return encoder.image_size // (encoder.pool if isinstance(encoder, TimmPatchEncoder) else 1)


@torch.no_grad()
def encode_crops(encoder: ImageEncoder, crops: Sequence[RgbImage]) -> tuple[Tensor, Tensor]:
    """Patches and logits of square crops of side `crop_side`, on the grid of a whole image.

    Args:
        crops: sRGB uint8[S, S, 3] each.

    Returns:
        patches float32[N, P, D], and logits of classes and kinds float32[N, P, classes + kinds]; of none for an
        encoder without a class branch.
    """
    if not isinstance(encoder, TimmPatchEncoder):
        patches = encoder.encode(crops)
        return patches, patches[..., :0]
    shared, last = encoder.feature_maps(encoder.normalised(crops), strides=(*SHARED_STRIDES, 2 * SHARED_STRIDES[-1]))
    patches = flatten_map(encoder.head(last))
    if not isinstance(encoder, ClassifyingPatchEncoder):
        return patches, patches[..., :0]
    return patches, encoder.class_branch.logits(shared)


def crop_object(image: RgbImage, mask: FloatMask | BoolMask, *, side: int) -> ObjectCrop:
    """The pixels that more likely belong to the object than not, enlarged or shrunk to a square of `side` on white.

    Args:
        image: sRGB uint8[H, W, 3].
        mask: [H, W], not empty.
    """
    inside = mask >= 0.5
    to_crop, scale = _placed(inside, side=side, room=_ROOM)
    shown = _warped(inside.astype(np.float32), to_crop, side=side, scale=scale)[..., None]
    # Without black from beyond the edge of the image in the outline of an object that reaches there.
    colours = _warped(image, to_crop, side=side, scale=scale, border=cv2.BORDER_REPLICATE)
    pixels = colours * shown + _PAPER * (1.0 - shown)
    share = _warped(mask.astype(np.float32), to_crop, side=side, scale=scale)
    return ObjectCrop(pixels=pixels.astype(np.uint8), mask=np.clip(share, 0.0, 1.0).astype(np.float32))


def crop_surroundings(image: RgbImage, mask: FloatMask | BoolMask, *, side: int) -> ObjectCrop:
    """A square of `side` around the object, with what is beside it: what a network of photographs has mostly seen.

    Args:
        image: sRGB uint8[H, W, 3].
        mask: [H, W], not empty.
    """
    to_crop, scale = _placed(mask >= 0.5, side=side, room=_SURROUNDED_ROOM)
    pixels = _warped(image, to_crop, side=side, scale=scale, border=cv2.BORDER_REFLECT_101)
    share = _warped((mask >= 0.5).astype(np.float32), to_crop, side=side, scale=scale)
    return ObjectCrop(pixels=pixels.astype(np.uint8), mask=np.clip(share, 0.0, 1.0).astype(np.float32))


def _placed(inside: BoolMask, *, side: int, room: float) -> tuple[npt.NDArray[np.float64], float]:
    """The map of the image onto a square of `side` around the mask, float64[2, 3], and how much it enlarges."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    ends = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], np.float64)
    centre, length = ends.mean(axis=0), float((ends[1] - ends[0]).max())
    scale = side / max(room * length, _LEAST_SIDE_PX)
    # OpenCV counts from the middle of the first pixel.
    shift = side / 2 - 0.5 - (centre - 0.5) * scale
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]]), scale


def _warped(
    array: npt.NDArray[Any],
    to_crop: npt.NDArray[np.float64],
    *,
    side: int,
    scale: float,
    border: int = cv2.BORDER_CONSTANT,
) -> npt.NDArray[Any]:
    if scale < 1.0:
        # Samples alone would leave out pixels: first a mean over about as many as go into one.
        array = cv2.GaussianBlur(array, (0, 0), 0.5 / scale)
    return cv2.warpAffine(array, to_crop, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)
