"""How published networks expect a picture: a square out of its middle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from sounddesk.engine.models.picture_pixels import CLIP_MEAN
from sounddesk.engine.models.picture_pixels import CLIP_STD
from sounddesk.engine.models.picture_pixels import standardised
from sounddesk.engine.types import RgbImage


def middle_square(image: RgbImage, *, short_side: int, side: int, bicubic: bool = False) -> npt.NDArray[np.uint8]:
    """The picture with its shorter side made `short_side` px, then its middle, uint8[side, side, 3].

    Args:
        bicubic: as CLIP and its kin resize; else averaged over what a pixel covers.
    """
    picture = Image.fromarray(image)
    scale = short_side / min(picture.size)
    # The longer side is cut down to whole pixels, as torchvision does.
    size = [short_side if each == min(picture.size) else int(each * scale) for each in picture.size]
    how = Image.Resampling.BICUBIC if bicubic else Image.Resampling.BOX
    resized = picture.resize((max(side, size[0]), max(side, size[1])), how)
    left, top = round((resized.width - side) / 2.0), round((resized.height - side) / 2.0)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def clip_pixels(image: RgbImage, *, side: int) -> Tensor:
    """As CLIP takes a picture: its middle square, standardised, float32[1, 3, side, side]."""
    square = middle_square(image, short_side=side, side=side, bicubic=True)
    return standardised(square, mean=CLIP_MEAN, std=CLIP_STD)
