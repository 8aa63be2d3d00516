"""Clicks and boxes as the literature simulates them: the first click at the object's innermost point, each further one
at the innermost point of the largest wrong region (Sofiiuk et al. 2022), a box drawn a little too large.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.types import BoolMask

# Margin of a box that was drawn by hand, in shares of the object's own longer side.
_BOX_MARGIN: Final = 0.05
# An object is thin where its innermost point lies nearer the edge than this share of its longer side.
_THIN: Final = 0.08


def innermost_point(mask: BoolMask) -> Point:
    """(x, y) of the middle of the pixel that is furthest from the mask's edge, the image's border being one.

    Example:
        >>> mask = np.zeros((9, 9), dtype=np.bool_)
        >>> mask[2:7, 2:7] = True
        >>> innermost_point(mask)
        (4.5, 4.5)
    """
    distance = _depth(mask)
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) + 0.5, float(row) + 0.5


def next_click(answer: BoolMask, truth: BoolMask) -> tuple[Point, bool] | None:
    """Where a user would click next and whether the click is positive; None where nothing is wrong.

    The click is at the innermost point of the largest region that is wrong, missed or too much.
    """
    wrong = [(_largest_part(region), label) for region, label in _wrong_regions(answer, truth) if region.any()]
    if not wrong:
        return None
    region, label = max(wrong, key=lambda part: int(part[0].sum()))
    return innermost_point(region), label


def box_around(mask: BoolMask) -> Prompt:
    """The mask's bounding box with a margin of 5 % of its longer side on each side, as a hand might draw it."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = _BOX_MARGIN * max(len(rows), len(columns))
    return Prompt(
        box=(
            max(0.0, float(columns[0] - margin)),
            max(0.0, float(rows[0] - margin)),
            min(float(width), float(columns[-1] + 1 + margin)),
            min(float(height), float(rows[-1] + 1 + margin)),
        )
    )


def honoured_clicks(answer: BoolMask, prompt: Prompt) -> int:
    """How many clicks the answer obeys: positive ones inside it, negative ones outside."""
    return sum(
        bool(answer[int(y), int(x)]) == label for (x, y), label in zip(prompt.points, prompt.labels, strict=True)
    )


def is_thin(mask: BoolMask) -> bool:
    """Whether the innermost point lies nearer the edge than 8 % of the object's longer side."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return bool(_depth(mask).max() < _THIN * longer)


def _wrong_regions(answer: BoolMask, truth: BoolMask) -> tuple[tuple[BoolMask, bool], tuple[BoolMask, bool]]:
    return (truth & ~answer, True), (answer & ~truth, False)


def _largest_part(region: BoolMask) -> BoolMask:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    part: BoolMask = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return part


def _depth(mask: BoolMask) -> npt.NDArray[np.float32]:
    padded = np.pad(mask, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)
