"""Pictures as CLIP and BLIP take them."""

from __future__ import annotations

import cv2
from torch import Tensor

from sounddesk.engine.models.picture_pixels import CLIP_MEAN
from sounddesk.engine.models.picture_pixels import CLIP_STD
from sounddesk.engine.models.picture_pixels import standardised
from sounddesk.engine.types import RgbImage


def picture_input(image: RgbImage, *, side: int) -> Tensor:
    """sRGB uint8[H, W, 3], squashed to a square -> float32[1, 3, side, side]."""
    shrinks = max(image.shape[:2]) > side
    fitted = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return standardised(fitted, mean=CLIP_MEAN, std=CLIP_STD)
