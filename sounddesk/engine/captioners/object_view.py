"""What of a picture is shown to a captioner that takes whole pictures: the object, with a little of what is around."""

from __future__ import annotations

from typing import Final

import numpy as np

from sounddesk.domain.mask import bounding_box
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

# On each side, in sides of the object's box.
_MARGIN: Final = 0.1
# Where something else shows through the crop it is dimmed towards this grey, so that the object is what stands out.
_GREY: Final = 128.0
_KEPT: Final = 0.5


def object_view(image: RgbImage, mask: FloatMask | BoolMask) -> RgbImage:
    """The part of an image around a mask as a square uint8[S, S, 3], with everything else dimmed.

    Args:
        image: sRGB uint8[H, W, 3].
        mask: [H, W], probabilities or bool.

    Raises:
        EmptySelectionError: the mask is empty.
    """
    inside = mask >= 0.5
    if not inside.any():
        raise EmptySelectionError("mask is empty: select an object or paint one")
    box = bounding_box(inside)
    side = max(box.width, box.height)
    half = round(side * (0.5 + _MARGIN))
    middle_x, middle_y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    height, width = inside.shape
    left, right = max(0, middle_x - half), min(width, middle_x + half + 1)
    top, bottom = max(0, middle_y - half), min(height, middle_y + half + 1)
    part = image[top:bottom, left:right].astype(np.float32)
    shown = np.where(inside[top:bottom, left:right, None], part, _GREY + _KEPT * (part - _GREY))
    square = np.full((2 * half + 1, 2 * half + 1, 3), _GREY, dtype=np.float32)
    # Beyond the image's edge there is grey.
    square[top - middle_y + half :, left - middle_x + half :][: bottom - top, : right - left] = shown
    return square.round().astype(np.uint8)
