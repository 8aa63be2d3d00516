"""Clicks and boxes as a user might give them, drawn from the true mask (Kirillov et al. 2023, appendix A)."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.starter.segmenter_config import MASK_STRIDE

# SAM's noise on boxes: a tenth of the side, at most 20 pixels of 1024; ours are of 640.
_BOX_NOISE: Final = 0.1
_MOST_BOX_NOISE: Final = 16.0
_LEAST_BOX_SIDE: Final = 4.0


def innermost(region: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the cell that is furthest from the region's edge; the image's border counts as one."""
    distance = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return int(row), int(column)


def place_in(region: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A place (x, y) in cells on a region of any grid: half of them deep inside, half anywhere."""
    if rng.random() < 0.5:
        row, column = innermost(region)
    else:
        cells = np.argwhere(region)
        row, column = (int(value) for value in cells[int(rng.integers(len(cells)))])
    return np.array([column, row]) + rng.uniform(0.1, 0.9, 2)


def click_in(region: npt.NDArray[np.bool_], rng: np.random.Generator) -> tuple[float, float]:
    """A click (x, y) in encoder pixels on a region of the mask grid."""
    return _prompt_pixels(place_in(region, rng))


def _prompt_pixels(cells: npt.NDArray[np.float64]) -> tuple[float, float]:
    # The prompt encoder adds half a pixel.
    x, y = cells * MASK_STRIDE - 0.5
    return float(x), float(y)


def correction(
    answer: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[tuple[float, float], int]:
    """The next click in encoder pixels and its label, from masks on the mask grid."""
    place, label = correct_at(answer, truth, rng)
    return _prompt_pixels(place), label


def correct_at(
    answer: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], int]:
    """The next click in cells and its label: where the answer is wrong, or anywhere on the object where it is right."""
    wrong = answer != truth
    if not wrong.any():
        return place_in(truth, rng), 1
    if rng.random() < 0.5:
        # What a user corrects first.
        _, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=8)
        wrong = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    missed = wrong & truth
    chosen = missed if missed.sum() >= rng.uniform() * wrong.sum() and missed.any() else wrong & ~truth
    if not chosen.any():
        chosen = missed
    return place_in(chosen, rng), int(chosen is missed)


def loose_box(box: npt.NDArray[np.float32], *, size: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Bounds with each side moved, half of the boxes only outwards, as encoder coordinates of the prompt encoder."""
    sides = np.tile([box[2] - box[0], box[3] - box[1]], 2)
    noise = rng.normal(0, 1, 4) * np.minimum(_BOX_NOISE * sides, _MOST_BOX_NOISE)
    if rng.random() < 0.5:
        noise = np.abs(noise) * [-1, -1, 1, 1]
    moved = np.clip(box + noise, 0, size).astype(np.float32)
    if min(moved[2] - moved[0], moved[3] - moved[1]) < _LEAST_BOX_SIDE:
        moved = box
    return moved - np.float32(0.5)
