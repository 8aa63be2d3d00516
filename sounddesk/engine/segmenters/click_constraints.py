"""Clicks are constraints: whatever a network answered, positive clicks end inside the mask and negative ones outside.

Where the answer breaks a click, it gets a disc and no more: what the colours around it suggested was worse on
photographs (decision 45).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.types import FloatMask

# Radius of a click's disc, in shares of the longer side of the image.
_DISC: Final = 0.006
# Of pixels that are put into a mask for a click's sake, or taken out.
_PUT_IN: Final = 0.75
_TAKEN_OUT: Final = 0.25


def obey_clicks(
    probability: FloatMask,
    *,
    positive: Sequence[Point],
    negative: Sequence[Point],
) -> FloatMask:
    """A probability whose mask (0.5 and more) holds every positive click and no negative one.

    A pixel that was clicked both ways belongs to the mask. Where only positive clicks are broken the mask only grows,
    where only negative ones are it only shrinks. An answer that breaks no click is returned as it is.

    Args:
        probability: float32[H, W]; not changed.
        positive: clicks (x, y) in image pixels, inside the image.
        negative: likewise.

    Example:
        >>> answer = np.zeros((40, 40), np.float32)
        >>> answer[10:20, 10:20] = 0.9
        >>> bound = obey_clicks(answer, positive=[(12.5, 12.5), (30.5, 30.5)], negative=[(18.5, 18.5)])
        >>> bool(bound[30, 30] >= 0.5), bool(bound[18, 18] >= 0.5)
        (True, False)
    """
    both = {_pixel(point) for point in positive}
    negative = [point for point in negative if _pixel(point) not in both]
    broken = [point for point in positive if probability[_pixel(point)] < 0.5]
    broken += [point for point in negative if probability[_pixel(point)] >= 0.5]
    if not broken:
        return probability
    bound = _with_discs(probability, positive=positive, negative=negative)
    return _without_loose_parts(bound, probability, positive)


def _pixel(point: Point) -> tuple[int, int]:
    """Row and column."""
    return int(point[1]), int(point[0])


def _with_discs(probability: FloatMask, *, positive: Sequence[Point], negative: Sequence[Point]) -> FloatMask:
    """Discs around the clicks that are broken still, each at most half the way to a click of the other kind."""
    height, width = probability.shape
    changed = probability.copy()
    for points, others, value in ((positive, negative, _PUT_IN), (negative, positive, _TAKEN_OUT)):
        for point in points:
            if (probability[_pixel(point)] >= 0.5) == (value >= 0.5):
                continue
            x, y = point
            room = min((float(np.hypot(x - u, y - v)) / 2 for u, v in others), default=np.inf)
            radius = min(_DISC * max(height, width), room)
            rows = np.s_[max(0, int(y - radius)) : int(y + radius) + 1]
            columns = np.s_[max(0, int(x - radius)) : int(x + radius) + 1]
            part = changed[rows, columns]
            across = np.arange(columns.start, columns.start + part.shape[1]) + 0.5 - x
            down = np.arange(rows.start, rows.start + part.shape[0]) + 0.5 - y
            part[np.hypot(down[:, None], across[None]) < radius] = value
    # Between clicks nearer than two pixels a disc may hold the middle of the other's pixel.
    for points, value in ((positive, _PUT_IN), (negative, _TAKEN_OUT)):
        for point in points:
            if (changed[_pixel(point)] >= 0.5) != (value >= 0.5):
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
        changed = (mask != (before >= 0.5))[part].astype(np.uint8)
        rows, columns = np.nonzero(loose & (cv2.dilate(changed, np.ones((3, 3), np.uint8)) > 0))
        touched = keep_parts(loose, list(zip(columns.tolist(), rows.tolist(), strict=True)), least_share=0.0)
        if len(rows):
            bound[part][touched] = np.minimum(bound[part][touched], _TAKEN_OUT)
    return bound
