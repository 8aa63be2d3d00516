"""The part of an image in which a mask is drawn finely: its choice, its pixels, and the way back into the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

# Room on each side, in shares of the region's own side and in encoder pixels; a mask that was guessed from a click
# may stop far too early, a box was drawn by hand.
_CLICK_ROOM: Final = (0.25, 12.0)
_BOX_ROOM: Final = (0.12, 6.0)
# Where nothing is known but a click.
_ALONE_PX: Final = 40.0
_LEAST_SIDE_PX: Final = 8
# How far a side moves that a mask runs into, in shares of the region's extent across it.
_GROWTH: Final = 0.75
# A mask runs into a side where so many of its outermost cells belong to it, in shares of the side.
_TOUCHING: Final = 0.03
_LEAST_PART: Final = 0.1
# Pixels are halved first where there are so many to a cell.
_HALVED_FROM: Final = 4


@dataclass(frozen=True, kw_only=True)
class Region:
    """Whole pixels of an image of `width` x `height` px; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int
    width: int
    height: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def grid(self, side: int) -> Tensor:
        """Centres of `side` x `side` cells for `grid_sample` on maps of the whole image: float32[side, side, 2]."""
        steps = (torch.arange(side) + 0.5) / side
        across = (self.left + steps * (self.right - self.left)) / self.width * 2 - 1
        down = (self.top + steps * (self.bottom - self.top)) / self.height * 2 - 1
        return torch.stack([across[None].expand(side, -1), down[:, None].expand(-1, side)], dim=2)

    def overlap(self, other: Region) -> float:
        """Intersection over union of two regions of one image."""
        columns = min(self.right, other.right) - max(self.left, other.left)
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(0, columns) * max(0, rows)
        areas = [region.size[0] * region.size[1] for region in (self, other)]
        return shared / (sum(areas) - shared)

    def widened(self, pixels: int) -> Region:
        """With so many pixels more on each side, as far as the image goes."""
        return replace(
            self,
            left=max(0, self.left - pixels),
            top=max(0, self.top - pixels),
            right=min(self.width, self.right + pixels),
            bottom=min(self.height, self.bottom + pixels),
        )

    def cells(self, points: npt.NDArray[np.float32], *, image_size: int, side: int) -> npt.NDArray[np.float32]:
        """Points [n, 2] in the pixels of SAM's prompts, counted in cells of the region: float32[n, 2]."""
        whole = (points + 0.5) / image_size * (self.width, self.height)
        return ((whole - (self.left, self.top)) / self.size[::-1] * side).astype(np.float32)

    def points(self, cells: npt.NDArray[np.float32], *, image_size: int, side: int) -> npt.NDArray[np.float32]:
        """The way back of `cells`."""
        whole = cells / side * self.size[::-1] + (self.left, self.top)
        return (whole / (self.width, self.height) * image_size - 0.5).astype(np.float32)


def region_of(
    guess: BoolMask,
    *,
    earlier: BoolMask | None = None,
    points: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    box: npt.NDArray[np.float32] | None,
    image_size: int,
    width: int,
    height: int,
) -> Region:
    """Where to draw: around the box, or around the guess and the clicks on the object, with room on each side.

    Args:
        guess: bool[S, S] over the squashed image; only its parts under clicks count, where it has such.
        earlier: likewise, the answer before the last click.
        points, labels, box: [n, 2], [n] and [4] as SAM's prompt encoder takes them, encoder pixels less half a pixel.
        image_size: side of the squashed image.
        width, height: of the image.
    """
    positive = points[labels == 1] + 0.5
    share, least = _CLICK_ROOM
    if box is not None:
        corners = box.reshape(2, 2) + 0.5
        share, least = _BOX_ROOM
        # A click outside a box enlarges it.
        corners = np.concatenate([corners, positive])
    else:
        known = [_corners(part, positive, image_size=image_size) for part in (guess, earlier) if part is not None]
        corners = np.concatenate([positive, *known])
        if len(corners) == len(positive):
            corners = np.concatenate([positive - _ALONE_PX, positive + _ALONE_PX])
    low, high = corners.min(axis=0), corners.max(axis=0)
    bounds = np.concatenate([low, high])
    room = np.maximum(share * (bounds[2:] - bounds[:2]), least)
    bounds = bounds + np.concatenate([-room, room])
    scale = np.array([width, height, width, height]) / image_size
    left, top, right, bottom = bounds * scale
    first_column, end_column = _whole(left, right, length=width)
    first_row, end_row = _whole(top, bottom, length=height)
    return Region(left=first_column, right=end_column, top=first_row, bottom=end_row, width=width, height=height)


def grown_region(region: Region, mask: BoolMask, *, whole_side: bool = False) -> Region:
    """The region with more room on every side that the mask runs into; itself where there is none.

    Args:
        region: in which the mask was drawn.
        mask: bool[R, R] on its cells.
        whole_side: go to the image's border at once.
    """
    least = max(1, round(_TOUCHING * len(mask)))
    rows, columns = region.size
    step_x, step_y = (region.width, region.height) if whole_side else (round(_GROWTH * columns), round(_GROWTH * rows))
    left, top, right, bottom = region.left, region.top, region.right, region.bottom
    if np.count_nonzero(mask[:, 0]) >= least:
        left = max(0, left - step_x)
    if np.count_nonzero(mask[0]) >= least:
        top = max(0, top - step_y)
    if np.count_nonzero(mask[:, -1]) >= least:
        right = min(region.width, right + step_x)
    if np.count_nonzero(mask[-1]) >= least:
        bottom = min(region.height, bottom + step_y)
    return replace(region, left=left, top=top, right=right, bottom=bottom)


def _corners(mask: BoolMask, positive: npt.NDArray[np.float32], *, image_size: int) -> npt.NDArray[np.float32]:
    """Bounds of the mask's parts under the clicks, of all where there are none: float32[2, 2], or [0, 2] if empty."""
    cell = image_size / len(mask)
    parts = keep_parts(mask, [(float(x), float(y)) for x, y in positive / cell], least_share=_LEAST_PART)
    if not parts.any():
        parts = keep_parts(mask, (), least_share=_LEAST_PART)
    if not parts.any():
        return np.zeros((0, 2), np.float32)
    rows, columns = np.flatnonzero(parts.any(axis=1)), np.flatnonzero(parts.any(axis=0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]])
    return (corners * cell).astype(np.float32)


def _whole(low: float, high: float, *, length: int) -> tuple[int, int]:
    """Whole pixels within 0 to `length` that hold low to high, at least a few where the image has them."""
    first, last = max(0, int(np.floor(low))), min(length, int(np.ceil(high)))
    first = max(0, min(first, length - _LEAST_SIDE_PX))
    return first, min(length, max(last, first + _LEAST_SIDE_PX))


def crop(image: RgbImage, region: Region, side: int) -> npt.NDArray[np.uint8]:
    """The region's pixels, uint8[side, side, 3]."""
    return _resized(image[region.rows, region.columns], side).astype(np.uint8)


def crop_mask(mask: BoolMask, region: Region, side: int) -> npt.NDArray[np.float32]:
    """How much of each cell of the region belongs to the mask, float32[side, side]."""
    return _resized(mask[region.rows, region.columns].astype(np.float32), side).astype(np.float32)


def _resized(part: npt.NDArray[Any], side: int) -> npt.NDArray[np.generic]:
    shrinking = min(part.shape[:2]) >= side
    # Averaging by a broken factor takes 60 ms for 12 megapixels and 4 ms by two, for which an odd last row or column is
    # left out: of more than a thousand.
    while min(part.shape[:2]) >= _HALVED_FROM * side:
        rows, columns = part.shape[0] // 2, part.shape[1] // 2
        part = cv2.resize(part[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
    found: npt.NDArray[np.generic] = cv2.resize(
        part, (side, side), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    )
    return found


def enclosing(regions: Sequence[Region]) -> Region:
    """The smallest region of one image that holds all of some."""
    return replace(
        regions[0],
        left=min(each.left for each in regions),
        top=min(each.top for each in regions),
        right=max(each.right for each in regions),
        bottom=max(each.bottom for each in regions),
    )


def whole_image(*, width: int, height: int) -> Region:
    """The region that is all of an image."""
    return Region(left=0, top=0, right=width, bottom=height, width=width, height=height)


def redrawn(
    values: npt.NDArray[np.float32], source: Region, target: Region, *, side: int, outside: float
) -> npt.NDArray[np.float32]:
    """Values [S, S] on the cells of one region at the cells of another, float32[side, side].

    What lies outside the source gets `outside`.
    """
    steps = (np.arange(side) + 0.5) / side
    rows, columns = target.size
    # Shares of the source's sides.
    across = (target.left + steps * columns - source.left) / source.size[1]
    down = (target.top + steps * rows - source.top) / source.size[0]
    cells = len(values)
    map_x = np.broadcast_to(across * cells - 0.5, (side, side)).astype(np.float32)
    map_y = np.broadcast_to((down * cells - 0.5)[:, None], (side, side)).astype(np.float32)
    found = cv2.remap(values, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = ((down >= 0) & (down < 1))[:, None] & ((across >= 0) & (across < 1))[None]
    return np.where(inside, found, np.float32(outside)).astype(np.float32)
