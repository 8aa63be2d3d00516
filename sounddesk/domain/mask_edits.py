"""Drawing on masks: pure functions that change only the pixels under a stroke or shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import Box
from sounddesk.domain.tiled_mask import Coverage
from sounddesk.domain.tiled_mask import TiledMask

Point = tuple[float, float]
Mode = Literal["replace", "add", "subtract", "intersect"]


def clipped_box(left: float, top: float, right: float, bottom: float, *, width: int, height: int) -> Box | None:
    """The whole pixels inside the image that the rectangle touches; None where it lies outside."""
    x0, y0 = max(0, math.floor(left)), max(0, math.floor(top))
    x1, y1 = min(width, math.ceil(right)), min(height, math.ceil(bottom))
    return Box(left=x0, top=y0, right=x1, bottom=y1) if x0 < x1 and y0 < y1 else None


def stroke(
    mask: TiledMask, points: Sequence[Point], *, diameter: float, hardness: float = 1.0, erase: bool = False
) -> TiledMask:
    """A round brush drawn along `points` (x, y in image pixels).

    Args:
        diameter: in pixels, at least 1.
        hardness: 1 is a crisp edge, 0 fades from the middle to the rim.
        erase: take away instead of adding.
    """
    radius = max(0.5, diameter / 2.0)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    reach = radius + 1.0
    box = clipped_box(
        min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach, width=mask.width, height=mask.height
    )
    if box is None:
        return mask
    distance = _distance_to_line(points, box)
    soft = max(1.0, radius * (1.0 - hardness))
    painted = (np.clip((radius + 0.5 - distance) / soft, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    old = mask.region(box)
    new = np.minimum(old, 255 - painted) if erase else np.maximum(old, painted)
    return mask.with_region(left=box.left, top=box.top, pixels=new)


def _distance_to_line(points: Sequence[Point], box: Box) -> npt.NDArray[np.float32]:
    """Distance of every pixel centre of `box` to the polyline."""
    xs = (np.arange(box.left, box.right, dtype=np.float32) + 0.5)[None, :]
    ys = (np.arange(box.top, box.bottom, dtype=np.float32) + 0.5)[:, None]
    if len(points) == 1:
        return np.hypot(xs - np.float32(points[0][0]), ys - np.float32(points[0][1]))
    nearest = np.full((box.height, box.width), np.inf, dtype=np.float32)
    for (x0, y0), (x1, y1) in pairwise(points):
        dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
        length2 = float(dx * dx + dy * dy)
        along = 0.0 if length2 == 0 else np.clip(((xs - x0) * dx + (ys - y0) * dy) / np.float32(length2), 0.0, 1.0)
        ex, ey = xs - np.float32(x0) - along * dx, ys - np.float32(y0) - along * dy
        np.minimum(nearest, ex * ex + ey * ey, out=nearest)
    return np.sqrt(nearest)


def polygon(points: Sequence[Point], *, width: int, height: int) -> tuple[Box, npt.NDArray[np.bool_]] | None:
    """The pixels whose centres lie inside a closed polygon (even-odd rule), within the image.

    Returns:
        Their bounding box and bool[box height, box width], or None where no pixel is inside.
    """
    if len(points) < 3:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = clipped_box(min(xs), min(ys), max(xs), max(ys), width=width, height=height)
    if box is None:
        return None
    toggles = np.zeros((box.height, box.width + 1), dtype=bool)
    for (x0, y0), (x1, y1) in pairwise([*points, points[0]]):
        if y0 == y1:
            continue
        low, high = min(y0, y1), max(y0, y1)
        first, last = max(box.top, math.ceil(low - 0.5)), min(box.bottom, math.ceil(high - 0.5))
        rows = np.arange(first, last)
        crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        # The first pixel whose centre lies to the right of the crossing.
        columns = np.clip(np.ceil(crossings - 0.5).astype(int) - box.left, 0, box.width)
        toggles[rows - box.top, columns] ^= True
    inside = np.logical_xor.accumulate(toggles, axis=1)[:, :-1]
    return (box, inside) if inside.any() else None


def combine(mask: TiledMask, box: Box, shape: npt.NDArray[np.bool_] | Coverage, *, mode: Mode) -> TiledMask:
    """The mask with a shape that covers `box` put in place of it, added, taken away or intersected."""
    pixels = shape.astype(np.uint8) * np.uint8(255) if shape.dtype == np.bool_ else shape
    if mode in ("replace", "intersect"):
        kept = pixels if mode == "replace" else np.minimum(mask.region(box), pixels)
        empty = TiledMask.empty(width=mask.width, height=mask.height)
        return empty.with_region(left=box.left, top=box.top, pixels=kept)
    old = mask.region(box)
    new = np.maximum(old, pixels) if mode == "add" else np.minimum(old, 255 - pixels)
    return mask.with_region(left=box.left, top=box.top, pixels=new)


def combine_whole(mask: TiledMask, other: npt.NDArray[np.bool_] | Coverage, *, mode: Mode) -> TiledMask:
    """`combine` with a shape of the image's size."""
    whole = Box(left=0, top=0, right=mask.width, bottom=mask.height)
    return combine(mask, whole, other, mode=mode)


def inverted(mask: TiledMask) -> TiledMask:
    """What did not belong to the mask."""
    return TiledMask.from_array(255 - mask.to_array())


def united(masks: Sequence[TiledMask]) -> TiledMask:
    """The largest coverage of all masks, pixel by pixel. Raises: ValueError without a mask."""
    if not masks:
        raise ValueError("no mask to unite: select at least one object")
    total = masks[0].to_array()
    for mask in masks[1:]:
        np.maximum(total, mask.to_array(), out=total)
    return TiledMask.from_array(total)
