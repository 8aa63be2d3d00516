"""Clicks are constraints: whatever a network answered, positive clicks end inside the mask and negative ones outside.

Where the answer breaks a click, it gets a disc and no more: what the colours around it suggested was worse on
photographs (decision 45).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask

# Radius of a click's disc, in shares of the longer side of the image.
_DISC: Final = 0.006
# Of pixels that are put into a mask for a click's sake, or taken out.
_PUT_IN: Final = 0.75
_TAKEN_OUT: Final = 0.25


def disc_radius_px(longer_side: int) -> float:
    """How far a broken click reaches in an image whose longer side has so many pixels."""
    return _DISC * longer_side


def obey_clicks(
    probability: FloatMask,
    *,
    positive: Sequence[Point],
    negative: Sequence[Point],
    longer_side: int | None = None,
) -> FloatMask:
    """A probability whose mask (0.5 and more) holds every positive click and no negative one.

    A pixel that was clicked both ways belongs to the mask. Where only positive clicks are broken the mask only grows,
    where only negative ones are it only shrinks. An answer that breaks no click is returned as it is.

    Args:
        probability: float32[H, W]; not changed. Of a large image the part that is not empty is enough.
        positive: clicks (x, y) in its pixels, inside of it.
        negative: likewise, or outside of it.
        longer_side: of the whole image, in pixels; None where that is what is given.

    Example:
        >>> answer = np.zeros((40, 40), np.float32)
        >>> answer[10:20, 10:20] = 0.9
        >>> bound = obey_clicks(answer, positive=[(12.5, 12.5), (30.5, 30.5)], negative=[(18.5, 18.5)])
        >>> bool(bound[30, 30] >= 0.5), bool(bound[18, 18] >= 0.5)
        (True, False)
    """
    if are_obeyed(probability >= 0.5, positive=positive, negative=negative):
        return probability
    negative = _only(negative, positive)
    reach = disc_radius_px(longer_side or max(probability.shape))
    bound = _with_discs(probability, positive=positive, negative=negative, reach=reach)
    return _without_loose_parts(bound, probability, positive)


def are_obeyed(mask: BoolMask, *, positive: Sequence[Point], negative: Sequence[Point]) -> bool:
    """Whether a mask bool[H, W] holds every positive click and no negative one, which may lie outside of the array."""
    held = all(_at(mask, point) for point in positive)
    return held and not any(_at(mask, point) for point in _only(negative, positive))


def _only(negative: Sequence[Point], positive: Sequence[Point]) -> list[Point]:
    """The negative clicks without those on a pixel that was clicked both ways."""
    both = {_pixel(point) for point in positive}
    return [point for point in negative if _pixel(point) not in both]


def _pixel(point: Point) -> tuple[int, int]:
    """Row and column."""
    return math.floor(point[1]), math.floor(point[0])


def _at(values: BoolMask | FloatMask, point: Point) -> float:
    """What is at the click; 0 outside of the array."""
    row, column = _pixel(point)
    height, width = values.shape
    return float(values[row, column]) if 0 <= row < height and 0 <= column < width else 0.0


def _with_discs(
    probability: FloatMask, *, positive: Sequence[Point], negative: Sequence[Point], reach: float
) -> FloatMask:
    """Discs around the clicks that are broken still, each at most half the way to a click of the other kind."""
    changed = probability.copy()
    for points, others, value in ((positive, negative, _PUT_IN), (negative, positive, _TAKEN_OUT)):
        for point in points:
            if (_at(probability, point) >= 0.5) == (value >= 0.5):
                continue
            x, y = point
            room = min((float(np.hypot(x - u, y - v)) / 2 for u, v in others), default=np.inf)
            radius = min(reach, room)
            rows = np.s_[max(0, int(y - radius)) : int(y + radius) + 1]
            columns = np.s_[max(0, int(x - radius)) : int(x + radius) + 1]
            part = changed[rows, columns]
            across = np.arange(columns.start, columns.start + part.shape[1]) + 0.5 - x
            down = np.arange(rows.start, rows.start + part.shape[0]) + 0.5 - y
            part[np.hypot(down[:, None], across[None]) < radius] = value
    # Between clicks nearer than two pixels a disc may hold the middle of the other's pixel.
    for points, value in ((positive, _PUT_IN), (negative, _TAKEN_OUT)):
        for point in points:
            if (_at(changed, point) >= 0.5) != (value >= 0.5):
                changed[_pixel(point)] = value
    return changed


def _without_loose_parts(bound: FloatMask, before: FloatMask, positive: Sequence[Point]) -> FloatMask:
    """Without parts that came about or were cut off here and that no positive click is on."""
    mask = bound >= 0.5
    if not positive or not mask.any():
        return bound
    left, top, right, bottom = bounds_of(mask)
    part = np.s_[top:bottom, left:right]
    kept = keep_parts(mask[part], [(x - left, y - top) for x, y in positive], least_share=0.0)
    loose = mask[part] & ~kept
    if loose.any():
        was = before[part] >= 0.5
        cut = cv2.dilate((was & ~mask[part]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        # A part that a disc touches at a corner alone is neither.
        rows, columns = np.nonzero(loose & (cut | ~was))
        touched = keep_parts(loose, list(zip(columns.tolist(), rows.tolist(), strict=True)), least_share=0.0)
        if len(rows):
            bound[part][touched] = np.minimum(bound[part][touched], _TAKEN_OUT)
    return bound
