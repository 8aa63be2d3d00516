"""Pictures as CLIP and BLIP take them."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from sounddesk.engine.types import RgbImage

# Mean and spread of the colours that both were trained with.
_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_SPREAD: Final = (0.26862954, 0.26130258, 0.27577711)


def picture_input(image: RgbImage, *, side: int) -> Tensor:
    """sRGB uint8[H, W, 3], squashed to a square -> float32[1, 3, side, side]."""
    shrinks = max(image.shape[:2]) > side
    fitted = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    pixels = (fitted.astype(np.float32) / 255.0 - np.array(_MEAN, np.float32)) / np.array(_SPREAD, np.float32)
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())
