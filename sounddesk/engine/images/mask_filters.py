"""Filters on whole masks that need OpenCV: grow, shrink, feather, and selection by colour."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

Coverage = npt.NDArray[np.uint8]

# The cost of a disc grows with its area: 40 s for a radius of 500 pixels in an image of one megapixel.
_LARGEST_DISC_PX: Final = 12


def grow(coverage: Coverage, *, pixels: int) -> Coverage:
    """Coverage uint8[H, W] grown by a disc of that radius; shrunk where `pixels` is negative."""
    if pixels == 0:
        return coverage.copy()
    if abs(pixels) > _LARGEST_DISC_PX:
        return _grown_by_distance(coverage, pixels)
    size = 2 * abs(pixels) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if pixels > 0:
        return cv2.dilate(coverage, disc).astype(np.uint8)
    return cv2.erode(coverage, disc, borderType=cv2.BORDER_REPLICATE).astype(np.uint8)


def _grown_by_distance(coverage: Coverage, pixels: int) -> Coverage:
    """The same for any radius in the time of one pass, with an edge as wide as a pixel."""
    inside = coverage >= 128
    measured = (~inside if pixels > 0 else inside).astype(np.uint8)
    distance = cv2.distanceTransform(measured, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    reach = pixels + 0.5 - distance if pixels > 0 else distance + pixels - 0.5
    return quantise_probability(reach)


def feather(coverage: Coverage, *, pixels: float) -> Coverage:
    """Coverage with its edge faded over about `pixels` on either side (Gaussian, sigma half of that)."""
    if pixels <= 0:
        return coverage.copy()
    return cv2.GaussianBlur(coverage, (0, 0), pixels / 2.0).astype(np.uint8)


def select_by_colour(image: RgbImage, *, x: int, y: int, tolerance: int, contiguous: bool = True) -> BoolMask:
    """Pixels whose colour is within `tolerance` (0 to 255 per channel) of that at (x, y).

    Args:
        contiguous: only what hangs together with (x, y).
    """
    seed = image[y, x].astype(np.int16)
    if not contiguous:
        low, high = np.clip(seed - tolerance, 0, 255), np.clip(seed + tolerance, 0, 255)
        near: BoolMask = ((image >= low.astype(np.uint8)) & (image <= high.astype(np.uint8))).all(axis=2)
        return near
    height, width = image.shape[:2]
    found = np.zeros((height + 2, width + 2), dtype=np.uint8)
    flags = 4 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE
    spread = (tolerance,) * 3
    cv2.floodFill(np.ascontiguousarray(image).copy(), found, (x, y), (0, 0, 0), spread, spread, flags)
    return found[1:-1, 1:-1] > 0
