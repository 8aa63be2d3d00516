"""GrabCut masks at work size from discs around a click, boxes and hints, ranked by their predicted IoU."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.grabcut_solver import Crop
from sounddesk.engine.segmenters.grabcut_solver import Seeds
from sounddesk.engine.segmenters.grabcut_solver import Trimap
from sounddesk.engine.segmenters.grabcut_solver import WorkImage
from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.segmenters.grabcut_solver import claim
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.grabcut_solver import make_crop
from sounddesk.engine.segmenters.grabcut_solver import plant
from sounddesk.engine.segmenters.grabcut_solver import run_grabcut
from sounddesk.engine.segmenters.grabcut_solver import window_around
from sounddesk.engine.segmenters.mask_quality import measure
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.mask_quality import predicted_iou
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.types import BoolMask

# Radii of the starting discs, as shares of the image's diagonal; each about 1.7 times the one before.
DISC_RADII: Final = (0.03, 0.052, 0.09, 0.155, 0.27)

# Lengths in a disc's radii: what is certainly object, what certainly is not, and how far the crop reaches.
_CORE: Final = 0.15
_FAR: Final = 2.0
_REACH: Final = 2.2
_DISC_CROP_PX: Final = 128
_DISC_ITERATIONS: Final = 2
_HINT_ITERATIONS: Final = 3
_SECOND_LOOKS: Final = 2
_SECOND_RADIUS: Final = 1.3
_OFF_CENTRE: Final = 0.25
_BOX_CROP_PX: Final = 192
_BOX_ITERATIONS: Final = 4
_BOX_MARGIN: Final = 0.15
_BOX_ELLIPSE: Final = 0.8
_EDGE_CROP_PX: Final = 224
_EDGE_ITERATIONS: Final = 1
# Half width of the band in which an edge may still move, as a share of the object's longer side.
_EDGE_BAND: Final = 0.06
# Radius that a second click speaks for, as a share of the object's.
_CLAIM: Final = 0.33
_SEED_RADIUS_PX: Final = 2.0
_LEAST_AREA_PX: Final = 12
_MOST_SHARE: Final = 0.97
LEAST_PART: Final = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkMask:
    """A mask at work size with its predicted IoU."""

    mask: BoolMask
    score: float


def click_masks(
    work: WorkImage, seeds: Seeds, *, least_radius: float = 0.0, radii: tuple[float, ...] = DISC_RADII
) -> list[WorkMask]:
    """What discs of several sizes around the positive seeds lead to, best first, without empty and all-covering masks.

    The two best are looked for once more from their own middle, since a click is seldom there.
    """
    centre = _centre(seeds.positive)
    wanted = [share * work.diagonal for share in radii]
    wanted = [radius for radius in wanted if radius > least_radius] or [least_radius]
    masks = disc_masks(work, seeds, radii=wanted)
    first = _ranked(work, masks)
    for choice in first[:_SECOND_LOOKS]:
        middle, radius = middle_and_radius(choice.mask)
        if np.hypot(middle[0] - centre[0], middle[1] - centre[1]) > _OFF_CENTRE * radius:
            masks.append(_from_disc(work, middle, _SECOND_RADIUS * radius, seeds))
    return _ranked(work, masks) if len(masks) > len(wanted) else first


def disc_masks(work: WorkImage, seeds: Seeds, *, radii: Sequence[float]) -> list[BoolMask]:
    """What each disc around the positive seeds' centre leads to; radii in work pixels."""
    centre = _centre(seeds.positive)
    return [_from_disc(work, centre, radius, seeds) for radius in radii]


def agreements(masks: list[BoolMask]) -> list[float]:
    """For each mask the second highest IoU with the others, 0 where there are fewer than two."""
    table = [[overlap(one, other) for other in masks] for one in masks]
    return [
        sorted((value for j, value in enumerate(row) if j != i), reverse=True)[1] if len(masks) > 2 else 0.0
        for i, row in enumerate(table)
    ]


def _ranked(work: WorkImage, masks: list[BoolMask]) -> list[WorkMask]:
    """Masks of plausible size with their predicted IoU, best first."""
    found = [
        WorkMask(mask=mask, score=predicted_iou(measure(work, mask, agreement=agreement)))
        for mask, agreement in zip(masks, agreements(masks), strict=True)
        if _LEAST_AREA_PX <= np.count_nonzero(mask) <= _MOST_SHARE * mask.size
    ]
    return sorted(found, key=lambda candidate: -candidate.score)


def middle_and_radius(mask: BoolMask) -> tuple[Point, float]:
    """Centre of mass, and the radius of a disc of the same area."""
    rows, columns = np.nonzero(mask)
    return (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5), float(np.sqrt(len(rows) / np.pi))


def distinct(found: list[WorkMask], *, count: int, same: float) -> list[WorkMask]:
    """The first `count` that overlap none before them by more than `same`."""
    chosen: list[WorkMask] = []
    for candidate in found:
        if len(chosen) == count:
            break
        if all(overlap(candidate.mask, other.mask) <= same for other in chosen):
            chosen.append(candidate)
    return chosen


def _centre(points: tuple[Point, ...]) -> Point:
    """Middle of the points' bounding box."""
    x, y = zip(*points, strict=True)
    return (min(x) + max(x)) / 2, (min(y) + max(y)) / 2


def other_masks(work: WorkImage, prompt: Prompt, seeds: Seeds) -> list[WorkMask]:
    """The answer to a box, a mask hint, scribbles or several clicks, as a list of one or none, or the discs' masks."""
    if prompt.box is not None:
        (left, top), (right, bottom) = work.to_work(((prompt.box[0], prompt.box[1]), (prompt.box[2], prompt.box[3])))
        masks = _from_box(work, (left, top, right, bottom), seeds)
    elif prompt.mask_hint is not None and prompt.mask_hint.any():
        height, width = work.size
        share = cv2.resize(prompt.mask_hint.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        hint = np.asarray(share >= min(0.5, float(share.max())))
        if np.count_nonzero(hint) < _LEAST_AREA_PX:
            # Too small to have colours of its own: all that it says is where to look.
            middle, _ = middle_and_radius(hint)
            return click_masks(work, Seeds(positive=(*seeds.positive, middle), negative=seeds.negative))
        masks = [_from_hint(work, hint, seeds)]
    else:
        centre = _centre(seeds.positive)
        spread = max(np.hypot(x - centre[0], y - centre[1]) for x, y in seeds.positive)
        return click_masks(work, seeds, least_radius=1.2 * float(spread))
    found = [
        WorkMask(mask=mask, score=predicted_iou(measure(work, mask, agreement=1.0))) for mask in masks if mask.any()
    ]
    return sorted(found, key=lambda candidate: -candidate.score)


def _from_disc(work: WorkImage, centre: Point, radius: float, seeds: Seeds) -> BoolMask:
    """What GrabCut makes of a disc: its core certain, the rest of it likely, far away impossible."""
    window = window_around((*centre, *centre), margin=_REACH * radius, work=work)
    crop = make_crop(work, window, side_px=_DISC_CROP_PX)
    distance = crop.distance_from(centre)
    trimap: Trimap = np.full(crop.size, cv2.GC_PR_BGD, np.uint8)
    trimap[distance < radius] = cv2.GC_PR_FGD
    trimap[distance > _FAR * radius] = cv2.GC_BGD
    alone = len(seeds.positive) == 1 and not seeds.negative
    core = _CORE * radius * crop.scale if alone else _SEED_RADIUS_PX
    if not alone:
        claim(trimap, crop, seeds, radius=_CLAIM * radius)
    plant(trimap, crop, seeds, radius_px=core)
    return _solve(work, crop, trimap, seeds, iterations=_DISC_ITERATIONS)


def _from_box(work: WorkImage, box: tuple[float, float, float, float], seeds: Seeds) -> list[BoolMask]:
    """GrabCut as published, where all of the box is likely; and once more where only an ellipse in it is.

    The first is better for a tight box, the second for one drawn with room around the object.
    """
    margin = _BOX_MARGIN * max(box[2] - box[0], box[3] - box[1]) + 2
    crop = make_crop(work, window_around(box, margin=margin, work=work), side_px=_BOX_CROP_PX)
    (left, top), (right, bottom) = crop.to_crop((box[0], box[1])), crop.to_crop((box[2], box[3]))
    height, width = crop.size
    inside = np.zeros((height, width), bool)
    rows = slice(max(0, int(top)), max(int(top) + 1, round(bottom)))
    columns = slice(max(0, int(left)), max(int(left) + 1, round(right)))
    inside[rows, columns] = True
    across = (np.arange(width) + 0.5 - (left + right) / 2) / ((right - left) / 2)
    down = (np.arange(height) + 0.5 - (top + bottom) / 2) / ((bottom - top) / 2)
    ellipse = inside & (down[:, None] ** 2 + across[None, :] ** 2 < _BOX_ELLIPSE**2)
    masks = []
    for likely in (inside, ellipse):
        trimap: Trimap = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        if seeds.positive or seeds.negative:
            claim(trimap, crop, seeds, radius=_CLAIM * min(box[2] - box[0], box[3] - box[1]) / 2)
        trimap[~inside] = cv2.GC_BGD
        plant(trimap, crop, seeds, radius_px=_SEED_RADIUS_PX)
        masks.append(_solve(work, crop, trimap, seeds, iterations=_BOX_ITERATIONS))
    return masks


def _from_hint(work: WorkImage, hint: BoolMask, seeds: Seeds) -> BoolMask:
    """The hint as a guess, corrected by the seeds: a click claims a disc of a third of the hint's size."""
    left, top, right, bottom = bounds_of(hint)
    x, y = [point[0] for point in seeds.positive], [point[1] for point in seeds.positive]
    box = (min([left, *x]), min([top, *y]), max([right, *x]), max([bottom, *y]))
    reach = _CLAIM * float(np.sqrt(np.count_nonzero(hint) / np.pi))
    margin = 0.35 * max(box[2] - box[0], box[3] - box[1]) + 2
    crop = make_crop(work, window_around(box, margin=margin, work=work), side_px=_BOX_CROP_PX)
    trimap: Trimap = np.where(crop.shrink(hint), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    claim(trimap, crop, seeds, radius=reach)
    _close_border(trimap, crop, work)
    plant(trimap, crop, seeds, radius_px=_SEED_RADIUS_PX)
    return _solve(work, crop, trimap, seeds, iterations=_HINT_ITERATIONS)


def refine_edge(work: WorkImage, mask: BoolMask, seeds: Seeds) -> BoolMask:
    """One more cut at the highest resolution, in which only a band along the edge is open."""
    left, top, right, bottom = bounds_of(mask)
    longer = max(right - left, bottom - top)
    window = window_around((left, top, right, bottom), margin=0.35 * longer + 2, work=work)
    crop = make_crop(work, window, side_px=_EDGE_CROP_PX, enlarge=False)
    guess = crop.shrink(mask)
    if not guess.any():
        return mask
    width = 2 * max(1, round(_EDGE_BAND * longer * crop.scale)) + 1
    band = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    bits = guess.astype(np.uint8)
    trimap: Trimap = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[cv2.erode(bits, band, borderValue=1) > 0] = cv2.GC_FGD
    trimap[cv2.dilate(bits, band) == 0] = cv2.GC_BGD
    plant(trimap, crop, seeds, radius_px=1.0)
    refined = _solve(work, crop, trimap, seeds, iterations=_EDGE_ITERATIONS)
    return refined if refined.any() else mask


def _close_border(trimap: Trimap, crop: Crop, work: WorkImage) -> None:
    """The rim of the crop is surroundings, save where it is the rim of the image."""
    left, top, right, bottom = crop.window
    height, width = work.size
    sides: tuple[tuple[bool, Callable[[], Trimap]], ...] = (
        (left > 0, lambda: trimap[:, :2]),
        (top > 0, lambda: trimap[:2]),
        (right < width, lambda: trimap[:, -2:]),
        (bottom < height, lambda: trimap[-2:]),
    )
    for open_side, rim in sides:
        if open_side:
            rim()[:] = cv2.GC_BGD


def _solve(work: WorkImage, crop: Crop, trimap: Trimap, seeds: Seeds, *, iterations: int) -> BoolMask:
    """Cut, keep what hangs together with the positive seeds, fill holes; bool at work size."""
    cut = run_grabcut(crop, trimap, iterations=iterations)
    positive = [crop.to_crop(point) for point in seeds.positive]
    negative = [crop.to_crop(point) for point in seeds.negative]
    kept = fill_holes(keep_parts(cut, positive, least_share=LEAST_PART), except_at=negative)
    return crop.expand(kept, work.size)
