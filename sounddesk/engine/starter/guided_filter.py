"""Moves the edge of a soft mask onto the edges of the image's own colours."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

# Chosen on photographs (decision 60): a radius of 8 pixels of 256 was worse, 384 pixels were no better.
_RADIUS_PX: Final = 4
_SMOOTHNESS: Final = 1e-3


class ColourGuide:
    """A colour image as the guide of He et al., 'Guided Image Filtering', 2013, section 3.5.

    What depends on the image alone is computed once, for all masks that are drawn on it.

    Example:
        >>> image = np.zeros((32, 32, 3), np.uint8)
        >>> image[:, 16:] = 255
        >>> blurred = cv2.blur((image[..., 0] / 255).astype(np.float32), (9, 9))
        >>> followed = ColourGuide(image).follow(blurred)
        >>> bool(blurred[16, 15] > 0.4), bool(followed[16, 15] < 0.35)
        (True, True)
    """

    def __init__(self, image: RgbImage) -> None:
        """From uint8[H, W, 3]."""
        self._guide = image.astype(np.float32) / np.float32(255)
        self._colours = cv2.split(self._guide)
        red, green, blue = self._colours
        self._mean = _mean(self._guide)
        self._means = cv2.split(self._mean)
        mean_red, mean_green, mean_blue = self._means
        # The symmetric 3 x 3 covariance of the colours in each window, and its inverse by cofactors.
        rr = _mean(red * red) - mean_red * mean_red + _SMOOTHNESS
        gg = _mean(green * green) - mean_green * mean_green + _SMOOTHNESS
        bb = _mean(blue * blue) - mean_blue * mean_blue + _SMOOTHNESS
        rg = _mean(red * green) - mean_red * mean_green
        rb = _mean(red * blue) - mean_red * mean_blue
        gb = _mean(green * blue) - mean_green * mean_blue
        inverse_rr, inverse_rg, inverse_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
        inverse_gg, inverse_gb, inverse_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        self._inverse = (
            (inverse_rr, inverse_rg, inverse_rb),
            (inverse_rg, inverse_gg, inverse_gb),
            (inverse_rb, inverse_gb, inverse_bb),
        )
        self._determinant = rr * inverse_rr + rg * inverse_rg + rb * inverse_rb

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        height, width = self._determinant.shape
        return height, width

    def follow(self, probability: FloatMask) -> FloatMask:
        """A mask float32[H, W], 0 to 1, with its edge on those of the colours: float32[H, W], 0 to 1.

        In every window of 9 x 9 pixels the result is the linear function of red, green and blue that comes nearest to
        the mask; so it changes where the colours change and is smooth where they are.
        """
        mean_mask = _mean(probability)
        covariance = (
            _mean((self._guide * probability[..., None]).astype(np.float32)) - self._mean * mean_mask[..., None]
        )
        with_red, with_green, with_blue = cv2.split(covariance)
        slope = [
            (for_red * with_red + for_green * with_green + for_blue * with_blue) / self._determinant
            for for_red, for_green, for_blue in self._inverse
        ]
        mean_red, mean_green, mean_blue = self._means
        offset = mean_mask - slope[0] * mean_red - slope[1] * mean_green - slope[2] * mean_blue
        followed = sum(_mean(a) * channel for a, channel in zip(slope, self._colours, strict=True)) + _mean(offset)
        return np.clip(followed, 0, 1).astype(np.float32)


def _mean(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """In the window around each pixel."""
    side = 2 * _RADIUS_PX + 1
    return cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT).astype(np.float32)
