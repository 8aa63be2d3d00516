"""Objects without a prompt: a grid of GrabCut discs over the image, and what looks like an object among the masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sounddesk.engine.segmenters.grabcut_masks import WorkMask
from sounddesk.engine.segmenters.grabcut_masks import agreements
from sounddesk.engine.segmenters.grabcut_masks import disc_masks
from sounddesk.engine.segmenters.grabcut_masks import middle_and_radius
from sounddesk.engine.segmenters.grabcut_solver import Seeds
from sounddesk.engine.segmenters.grabcut_solver import WorkImage
from sounddesk.engine.segmenters.mask_quality import measure
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.mask_quality import predicted_iou
from sounddesk.engine.segmenters.proposals import LEAST_SHARE
from sounddesk.engine.segmenters.proposals import MOST_SHARE
from sounddesk.engine.segmenters.proposals import same_object
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask

MAX_PROPOSALS: Final = 12
# Shares of the image's diagonal: distance of the grid's points, and radii of the discs at each.
_GRID_STEP: Final = 0.1
_RADII: Final = (0.052, 0.09, 0.155)
# Masks from different points of the grid that overlap more say the same.
_VOTE: Final = 0.75

# How many of the grid's masks get a second look, and how much two of these may overlap.
_SECOND_LOOKS: Final = 14
_SECOND_LOOKS_OVERLAP: Final = 0.6
_SECOND_RADII: Final = (1.0, 1.35, 1.8)
# What each doubling of the points that agree adds to the predicted IoU.
_VOTE_WEIGHT: Final = 0.035
# Below the first a mask is left out; down to the second the best one is still better than nothing.
_LEAST_SCORE: Final = 0.5
_LEAST_SCORE_OF_THE_BEST: Final = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    mask: BoolMask
    score: float
    point: Point


def search_objects(work: WorkImage, *, cancel: CancelToken | None = None) -> list[WorkMask]:
    """Masks that look like objects, best first, no object twice; some seconds.

    The grid's points lie anywhere in an object, so that their masks show where to look rather than what is
    there; discs around the middles of the best ones are what the answer is taken from.

    Raises:
        Cancelled: through `cancel`, asked at every point.
    """
    grid: list[_Found] = []
    for point in grid_points(work):
        if cancel is not None:
            cancel.raise_if_cancelled()
        grid += _look(work, point, [share * work.diagonal for share in _RADII])
    middles: list[_Found] = []
    for each in sorted(grid, key=lambda each: -each.score):
        if len(middles) == _SECOND_LOOKS:
            break
        if all(overlap(each.mask, other.mask) <= _SECOND_LOOKS_OVERLAP for other in middles):
            middles.append(each)
    found: list[_Found] = []
    for each in middles:
        if cancel is not None:
            cancel.raise_if_cancelled()
        middle, radius = middle_and_radius(each.mask)
        inside = each.mask[int(middle[1]), int(middle[0])]
        found += _look(work, middle if inside else each.point, [factor * radius for factor in _SECOND_RADII])
    chosen: list[WorkMask] = []
    ranked = [
        WorkMask(mask=each.mask, score=min(1.0, each.score + _VOTE_WEIGHT * float(np.log2(1 + vote))))
        for each, vote in zip(found, _votes(found), strict=True)
    ]
    for candidate in sorted(ranked, key=lambda each: -each.score):
        least = _LEAST_SCORE if chosen else _LEAST_SCORE_OF_THE_BEST
        if len(chosen) == MAX_PROPOSALS or candidate.score < least:
            break
        if not any(same_object(candidate.mask, other.mask) for other in chosen):
            chosen.append(candidate)
    return chosen


def _look(work: WorkImage, point: Point, radii: list[float]) -> list[_Found]:
    """Masks of sensible size that discs around a point lead to."""
    masks = disc_masks(work, Seeds(positive=(point,)), radii=radii)
    return [
        _Found(mask=mask, score=predicted_iou(measure(work, mask, agreement=agreement)), point=point)
        for mask, agreement in zip(masks, agreements(masks), strict=True)
        if LEAST_SHARE <= np.count_nonzero(mask) / mask.size <= MOST_SHARE
    ]


def grid_points(work: WorkImage) -> list[Point]:
    """Staggered rows of points over the image, in work coordinates."""
    height, width = work.size
    step = _GRID_STEP * work.diagonal
    points = []
    for row, y in enumerate(np.arange(min(step, height) / 2, height, step)):
        offset = step / 2 + (row % 2) * step / 2
        points += [(float(x), float(y)) for x in np.arange(min(offset, width / 2), width, step)]
    return points


def _votes(found: list[_Found]) -> list[int]:
    """For each mask, from how many other points of the grid nearly the same mask was found."""
    if not found:
        return []
    # Every second pixel is enough to compare, and keeps the table of all pairs quick.
    flat = np.stack([each.mask[::2, ::2].ravel() for each in found]).astype(np.float32)
    common = flat @ flat.T
    area = np.diag(common)
    alike = common > _VOTE * np.maximum(area[:, None] + area[None, :] - common, 1.0)
    return [
        len({other.point for other, same in zip(found, row, strict=True) if same} - {each.point})
        for row, each in zip(alike, found, strict=True)
    ]
