"""How much of a mask's outline is a straight cut that is none in the picture."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.metrics.boundary import TOLERANCE

CUT_SHARE: Final = 0.05
"""A mask of whose outline so much lies on one straight line counts as cut."""

# The level piece at the top of a disc of D pixels is some 2 sqrt(D) long, without being a cut.
_LEAST_RUN: Final = 3.0
# Colours whose difference (CIE 1976, of L*a*b*) is seen at a glance make an edge.
_LEAST_CONTRAST: Final = 10.0
# Pixels across and along an edge over which colours are averaged.
_DEPTH: Final = 3
_ALONG: Final = 9
# A line follows an edge of the picture where so much of it lies on one.
_ALONG_AN_EDGE: Final = 0.75


def straight_share(answer: BoolMask, truth: BoolMask, image: RgbImage | None = None) -> float:
    """Share of the outline on the longest level or upright line, 0 where that is short for the mask's size.

    The image's border is no line, nor is what follows the true outline: things may have straight edges.

    Args:
        answer, truth: bool[H, W].
        image: uint8[H, W, 3], in which a line that runs along an edge of whatever else is no cut either.

    Example:
        >>> truth = np.zeros((100, 200), dtype=np.bool_)
        >>> yy, xx = np.mgrid[:100, :200]
        >>> truth[(xx - 100) ** 2 + (yy - 50) ** 2 < 40**2] = True
        >>> straight_share(truth, truth)
        0.0
        >>> straight_share(truth & (xx < 100), truth) > 0.2
        True
    """
    if not answer.any() or answer.all():
        return 0.0
    upright, level = _steps(answer)
    length = int(np.count_nonzero(upright) + np.count_nonzero(level))
    rows, columns = np.flatnonzero(answer.any(axis=1)), np.flatnonzero(answer.any(axis=0))
    size = max(np.ptp(rows), np.ptp(columns)) + 1
    height, width = truth.shape
    near = max(2.0, TOLERANCE * float(np.hypot(height, width)))
    distance = _distance_from_outline(truth)
    upright_edges, level_edges = (None, None) if image is None else (_edges(image), _edges(image.transpose(1, 0, 2)))
    longest = max(
        _longest_run((upright & (distance[:, 1:] > near)).T, upright_edges),
        _longest_run(level & (distance[1:] > near), level_edges),
    )
    return longest / length if longest >= _LEAST_RUN * float(np.sqrt(size)) else 0.0


def _steps(mask: BoolMask) -> tuple[BoolMask, BoolMask]:
    """Where the mask changes from one column to the next, bool[H, W - 1], and from row to row, bool[H - 1, W]."""
    return mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1]


def _distance_from_outline(truth: BoolMask) -> npt.NDArray[np.float32]:
    """Of each pixel from the nearest one at which `truth` changes: float32[H, W]."""
    upright, level = _steps(truth)
    away = np.ones(truth.shape, np.uint8)
    away[:, 1:][upright] = 0
    away[1:][level] = 0
    if away.all():
        return np.full(truth.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32)


def _edges(image: RgbImage) -> BoolMask:
    """Where colours change from a column to the next, a row for each such step: bool[W - 1, H]."""
    lab = cv2.cvtColor(np.ascontiguousarray(image, dtype=np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    # The mean of so much on either side, so that grain and texture are no edges.
    smooth = cv2.blur(lab, (_DEPTH, _ALONG))
    columns = np.arange(image.shape[1] - 1)
    before = smooth[:, np.maximum(0, columns - _DEPTH // 2)]
    behind = smooth[:, np.minimum(image.shape[1] - 1, columns + 1 + _DEPTH // 2)]
    edges: BoolMask = np.linalg.norm(behind - before, axis=2) >= _LEAST_CONTRAST
    return edges.T


def _longest_run(lines: BoolMask, edges: BoolMask | None) -> int:
    """The longest row of neighbours that are all True along the last axis and do not follow `edges`."""
    longest = 0
    for index in np.flatnonzero(lines.any(axis=1)):
        turns = np.flatnonzero(np.diff(np.concatenate([[False], lines[index], [False]])))
        for start, end in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True):
            if end - start > longest and (edges is None or edges[index, start:end].mean() < _ALONG_AN_EDGE):
                longest = end - start
    return longest
