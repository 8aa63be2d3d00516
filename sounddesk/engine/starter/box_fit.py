"""Which mask a box means: the one that reaches the box's sides, as whoever draws a box draws it around the whole thing.

The refiner stops early where it is unsure (legs, claws, what is half hidden), and then the mask ends far from a side of
the box; cut lower, it often goes on. Lempitsky et al., 'Image segmentation with a bounding box prior', 2009, make that
a constraint; here it is part of a score.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import stability
from sounddesk.engine.starter.drawn_mask import tidied
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt

# Logits at which a mask is cut: as it is, and ever less sure.
_CUTS: Final = (0.0, -1.0, -2.0, -3.0)
# How much a side of a hand-drawn box may stand off the thing, in shares of the box's longer side.
_MARGIN: Final = 0.05
# Weights of the score beside how well the bounds fit; chosen on the validation photographs (decision 107).
_STABILITY: Final = 0.3
_PREDICTED: Final = 0.2
_CUT_COST: Final = 0.15
# What lies so far outside of a box, in shares of its longer side, and has more than such a share of the mask is not
# what was meant: a hand that cuts off a tail is nearer (decision 173).
_FAR: Final = 0.1
_SPILT: Final = 0.03
# How often that is clicked away.
_MOST_SPILT: Final = 3


def drawn_in_box(
    answer: Callable[[FittedPrompt], Sequence[DrawnMask]], prompt: FittedPrompt, *, image_size: int
) -> DrawnMask:
    """The mask that a box means. What it holds far outside of the box is clicked away, as whoever drew it would.

    Args:
        answer: what is drawn for a prompt, best first where it has clicks.
        prompt: the box alone.
        image_size: of the encoder, in pixels.

    Raises:
        ValueError: the prompt has no box.
    """
    best = best_in_box(answer(prompt), prompt, image_size=image_size)
    for _ in range(_MOST_SPILT):
        outside = spilt_at(best, prompt, image_size=image_size)
        if outside is None:
            break
        prompt = replace(prompt, points=(*prompt.points, outside), labels=(*prompt.labels, 0))
        best = tidied(answer(prompt)[0], prompt, image_size=image_size)
    return best


def best_in_box(drawn: Sequence[DrawnMask], prompt: FittedPrompt, *, image_size: int) -> DrawnMask:
    """The mask that fits the box best among some and their less sure cuts, tidied.

    Args:
        drawn: what the refiner drew for the box.
        prompt: the box alone.
        image_size: of the encoder, in pixels.

    Raises:
        ValueError: the prompt has no box.
    """
    if prompt.box is None:
        raise ValueError("the prompt has no box: best_in_box chooses by the sides of one")
    corners = np.array(prompt.box, np.float32).reshape(2, 2)
    readings: list[tuple[float, DrawnMask]] = []
    for each in drawn:
        box = each.region.cells(corners, image_size=image_size, side=len(each.logits)).reshape(4)
        for cut in _CUTS:
            lower = replace(each, logits=each.logits - np.float32(cut))
            tidy = tidied(lower, prompt, image_size=image_size)
            mask = tidy.logits > 0
            if not mask.any():
                continue
            quality = (
                _fit(bounds_of(mask), box, each.region, side=len(mask))
                + _STABILITY * stability(tidy.logits)
                + _PREDICTED * each.score
                + _CUT_COST * cut
            )
            readings.append((quality, tidy))
    if not readings:
        return tidied(drawn[0], prompt, image_size=image_size)
    return max(readings, key=lambda reading: reading[0])[1]


def spilt_at(drawn: DrawnMask, prompt: FittedPrompt, *, image_size: int) -> Point | None:
    """Where a mask holds what lies far outside of its box, as a click in encoder pixels; None where it hardly does.

    The innermost place of the largest such part. What is a little beyond the box is left alone: a hand may have drawn
    it through the thing.

    Args:
        drawn: a mask that was drawn for the box.
        prompt: it has a box.
        image_size: of the encoder, in pixels.
    """
    mask = (drawn.logits > 0).astype(np.uint8)
    outside = mask.copy()
    left, top, right, bottom = _widened_box(drawn, prompt, image_size=image_size)
    outside[top:bottom, left:right] = 0
    if np.count_nonzero(outside) <= _SPILT * np.count_nonzero(mask):
        return None
    _, parts, measured, _ = cv2.connectedComponentsWithStats(outside, connectivity=8)
    largest = parts == 1 + int(measured[1:, cv2.CC_STAT_AREA].argmax())
    depth = cv2.distanceTransform(np.pad(largest, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    cell = np.array([[column + 0.5, row + 0.5]], np.float32)
    x, y = drawn.region.points(cell, image_size=image_size, side=len(mask))[0]
    return float(x), float(y)


def _widened_box(drawn: DrawnMask, prompt: FittedPrompt, *, image_size: int) -> tuple[int, int, int, int]:
    """The box with a margin, in whole cells of the mask's region."""
    side, (rows, columns) = len(drawn.logits), drawn.region.size
    corners = np.array(prompt.box, np.float32).reshape(2, 2)
    box = drawn.region.cells(corners, image_size=image_size, side=side)
    cells_a_pixel = np.array([side / columns, side / rows])
    margin = _FAR * float(((box[1] - box[0]) / cells_a_pixel).max()) * cells_a_pixel
    left, top = (int(value) for value in np.clip(np.floor(box[0] - margin), 0, side))
    right, bottom = (int(value) for value in np.clip(np.ceil(box[1] + margin), 0, side))
    return left, top, right, bottom


def _fit(bounds: tuple[int, int, int, int], box: npt.NDArray[np.float32], region: Region, *, side: int) -> float:
    """Overlap (IoU) of a mask's bounds, in cells, with the nearest ones that the box may have been drawn around."""
    rows, columns = region.size
    cells_a_pixel = np.array([side / columns, side / rows])
    sides = (box[2:] - box[:2]) / cells_a_pixel
    margin = _MARGIN * float(sides.max()) * cells_a_pixel
    # Sides on the image's border have nothing beyond them to stand off from.
    outer = np.clip(box, 0, side)
    inner = np.concatenate([outer[:2] + margin, outer[2:] - margin])
    found = np.array(bounds, np.float64)
    meant = np.clip(found, np.minimum(outer, inner), np.maximum(outer, inner))
    shared = np.minimum(found[2:], meant[2:]) - np.maximum(found[:2], meant[:2])
    if (shared <= 0).any():
        return 0.0
    areas = [float(np.prod(each[2:] - each[:2])) for each in (found, meant)]
    both = float(np.prod(shared))
    return both / (sum(areas) - both)
