"""Clicks are constraints: whatever a network answered, positive clicks end inside the mask and negative ones outside.

Where the answer breaks a click, the picture's colours decide how far the click reaches: GrabCut in the surroundings,
which starts from the network's probability and takes every click for certain. Where the colours do not allow that
either, what is left is a disc around the click.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.grabcut_solver import Crop
from sounddesk.engine.segmenters.grabcut_solver import Seeds
from sounddesk.engine.segmenters.grabcut_solver import Trimap
from sounddesk.engine.segmenters.grabcut_solver import Window
from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.segmenters.grabcut_solver import claim
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.grabcut_solver import plant
from sounddesk.engine.segmenters.grabcut_solver import run_grabcut
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

# Around mask and clicks, in shares of the longer side of both.
_ROOM: Final = 0.25
# Longer side of what GrabCut sees, in pixels; its cost grows with the area.
_CUT_SIDE_PX: Final = 256
_ITERATIONS: Final = 1
# Above this probability the network is sure, apart from a rim along the edge; in shares of the longer side.
_SURE: Final = 0.9
_SURE_RIM: Final = 0.02
# So near a click that it was wrong about it is not, in the same shares.
_DOUBTFUL: Final = 0.2
# Radius of a click's own disc and of what it probably speaks for, in shares of the longer side.
_SEED: Final = 0.012
_CLAIM: Final = 0.04
# Of pixels that are put into a mask for a click's sake, or taken out.
_PUT_IN: Final = 0.75
_TAKEN_OUT: Final = 0.25


def obey_clicks(
    image: RgbImage,
    probability: FloatMask,
    *,
    positive: Sequence[Point],
    negative: Sequence[Point],
    recut: bool = True,
) -> FloatMask:
    """A probability whose mask (0.5 and more) holds every positive click and no negative one.

    A pixel that was clicked both ways belongs to the mask. Where only positive clicks are broken the mask only grows,
    where only negative ones are it only shrinks. An answer that breaks no click is returned as it is.

    Args:
        image: sRGB uint8[H, W, 3].
        probability: float32[H, W]; not changed.
        positive: clicks (x, y) in image pixels, inside the image.
        negative: likewise.
        recut: let the colours decide how far a broken click reaches; without it each gets a disc and no more.

    Example:
        >>> image = np.zeros((40, 40, 3), np.uint8)
        >>> answer = np.zeros((40, 40), np.float32)
        >>> answer[10:20, 10:20] = 0.9
        >>> bound = obey_clicks(image, answer, positive=[(12.5, 12.5), (30.5, 30.5)], negative=[(18.5, 18.5)])
        >>> bool(bound[30, 30] >= 0.5), bool(bound[18, 18] >= 0.5)
        (True, False)
    """
    both = {_pixel(point) for point in positive}
    negative = [point for point in negative if _pixel(point) not in both]
    broken = Seeds(
        positive=tuple(point for point in positive if probability[_pixel(point)] < 0.5),
        negative=tuple(point for point in negative if probability[_pixel(point)] >= 0.5),
    )
    if not broken.positive and not broken.negative:
        return probability
    bound = probability
    if recut:
        bound = _cut_again(image, probability, positive=positive, negative=negative, broken=broken)
    bound = _with_discs(bound, positive=positive, negative=negative)
    return _without_loose_parts(bound, probability, positive)


def _pixel(point: Point) -> tuple[int, int]:
    """Row and column."""
    return int(point[1]), int(point[0])


def _window(mask: BoolMask, points: Sequence[Point]) -> Window:
    """(left, top, right, bottom) around the mask and the clicks, with room."""
    height, width = mask.shape
    bounds = [bounds_of(mask)] if mask.any() else []
    bounds += [(int(x), int(y), int(x) + 1, int(y) + 1) for x, y in points]
    table = np.array(bounds)
    left, top = table[:, :2].min(axis=0)
    right, bottom = table[:, 2:].max(axis=0)
    # Clicks alone do not say how large the thing is.
    extent = max(right - left, bottom - top) if mask.any() else max(height, width)
    room = int(_ROOM * extent) + 8
    return (
        max(0, int(left) - room),
        max(0, int(top) - room),
        min(width, int(right) + room),
        min(height, int(bottom) + room),
    )


def _cut_again(
    image: RgbImage,
    probability: FloatMask,
    *,
    positive: Sequence[Point],
    negative: Sequence[Point],
    broken: Seeds,
) -> FloatMask:
    """GrabCut around mask and clicks; what it decides otherwise than the network gets its answer."""
    height, width = probability.shape
    window = _window(probability >= 0.5, (*positive, *negative))
    left, top, right, bottom = window
    scale = min(1.0, _CUT_SIDE_PX / max(right - left, bottom - top))
    size = max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale))
    part = np.s_[top:bottom, left:right]
    crop = Crop(rgb=np.asarray(cv2.resize(image[part], size, interpolation=cv2.INTER_AREA)), window=window, scale=scale)
    before = probability[part]
    small = np.asarray(cv2.resize(before, size, interpolation=cv2.INTER_AREA))
    longer = max(size)
    trimap: Trimap = np.where(small >= 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds = Seeds(positive=tuple(positive), negative=tuple(negative))
    claim(trimap, crop, broken, radius=_CLAIM * longer / scale)
    rim = 2 * max(1, round(_SURE_RIM * longer)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))
    sure = cv2.erode((small > _SURE).astype(np.uint8), kernel, borderValue=1) > 0
    for point in broken.negative:
        near = crop.distance_from(point) * scale < _DOUBTFUL * longer
        sure &= ~near
    trimap[sure] = cv2.GC_FGD
    for rim_part, closed in (
        (np.s_[:, :1], left > 0),
        (np.s_[:1], top > 0),
        (np.s_[:, -1:], right < width),
        (np.s_[-1:], bottom < height),
    ):
        if closed:
            trimap[rim_part] = cv2.GC_BGD
    plant(trimap, crop, seeds, radius_px=max(1.0, _SEED * longer))
    cut = run_grabcut(crop, trimap, iterations=_ITERATIONS)
    cut = keep_parts(cut, [crop.to_crop(point) for point in positive], least_share=0.1)
    cut = fill_holes(cut, except_at=[crop.to_crop(point) for point in negative])
    soft = cv2.resize(cut.astype(np.float32), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    inside = before >= 0.5
    # What changes elsewhere than around a broken click was right as far as anybody said.
    grown = keep_parts((soft >= 0.5) & ~inside, _shifted(broken.positive, window), least_share=0.0)
    shrunk = keep_parts((soft < 0.5) & inside, _shifted(broken.negative, window), least_share=0.0)
    changed = probability.copy()
    if broken.positive:
        changed[part][grown] = soft[grown]
    if broken.negative:
        changed[part][shrunk] = soft[shrunk]
    return changed


def _shifted(points: Sequence[Point], window: Window) -> list[Point]:
    return [(x - window[0], y - window[1]) for x, y in points]


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
            radius = min(_SEED / 2 * max(height, width), room)
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
