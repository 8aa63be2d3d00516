"""Scenes with known masks: cut-outs with alpha laid over a background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

CutOut = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class ComposedScene:
    """A scene and the visible pixels of each object, in the order that they were given."""

    image: RgbImage
    masks: tuple[BoolMask, ...]


def vary_cut_out(cut_out: CutOut, rng: np.random.Generator) -> CutOut:
    """Mirror, turn by up to 12 degrees and change brightness, contrast and saturation; uint8[H, W, 4]."""
    out: CutOut = cut_out[:, ::-1] if rng.random() < 0.5 else cut_out
    height, width = out.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-12, 12)), 1.0)
    corner = np.abs(turn[:, :2]) @ np.array([width, height])
    turn[:, 2] += (corner - [width, height]) / 2
    size = (int(corner[0]), int(corner[1]))
    turned = cv2.warpAffine(np.ascontiguousarray(out), turn, size, flags=cv2.INTER_LINEAR)
    colour = turned[..., :3].astype(np.float32)
    grey = colour.mean(axis=2, keepdims=True)
    colour = grey + (colour - grey) * rng.uniform(0.5, 1.3)
    colour = (colour - 128) * rng.uniform(0.75, 1.25) + 128 + rng.uniform(-25, 25)
    turned[..., :3] = np.clip(colour, 0, 255).astype(np.uint8)
    return turned.astype(np.uint8)


def fit_background(background: RgbImage, *, height: int, width: int, rng: np.random.Generator) -> RgbImage:
    """A random part of a background, between half and all of it, scaled to the scene."""
    rows, cols = background.shape[:2]
    share = rng.uniform(0.5, 1.0)
    part_h, part_w = max(1, int(rows * share)), max(1, int(cols * share))
    top, left = int(rng.integers(rows - part_h + 1)), int(rng.integers(cols - part_w + 1))
    part = np.ascontiguousarray(background[top : top + part_h, left : left + part_w])
    if rng.random() < 0.5:
        part = np.ascontiguousarray(part[:, ::-1])
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def compose_scene(
    cut_outs: Sequence[CutOut],
    *,
    background: RgbImage,
    height: int,
    width: int,
    rng: np.random.Generator,
    fill: tuple[float, float] = (0.55, 0.95),
) -> ComposedScene:
    """Lay out 1 to 4 cut-outs in separate cells of a scene uint8[height, width, 3].

    One object takes the whole scene as its cell, two share it side by side, three and four take
    quadrants; each fills `fill` of its cell at a random place inside it. Cells are dealt at random.

    Raises:
        ValueError: no cut-out or more than four.
    """
    count = len(cut_outs)
    if not 1 <= count <= 4:
        raise ValueError(f"{count} cut-outs: compose 1 to 4")
    image = fit_background(background, height=height, width=width, rng=rng)
    cells = _cells(count, height=height, width=width, rng=rng)
    masks = []
    for cut_out, (top, left, cell_h, cell_w) in zip(cut_outs, cells, strict=True):
        share = rng.uniform(*fill)
        scale = min(cell_h * share / cut_out.shape[0], cell_w * share / cut_out.shape[1])
        size = (max(2, int(cut_out.shape[1] * scale)), max(2, int(cut_out.shape[0] * scale)))
        shrinking = scale < 1
        interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        small = cv2.resize(np.ascontiguousarray(cut_out), size, interpolation=interpolation)
        row = top + int(rng.integers(max(1, cell_h - size[1] + 1)))
        col = left + int(rng.integers(max(1, cell_w - size[0] + 1)))
        place = (slice(row, row + size[1]), slice(col, col + size[0]))
        alpha = small[..., 3:].astype(np.float32) / 255.0
        image[place] = (small[..., :3] * alpha + image[place] * (1 - alpha)).astype(np.uint8)
        mask = np.zeros((height, width), dtype=np.bool_)
        mask[place] = small[..., 3] > 127
        masks.append(mask)
    return ComposedScene(image=image, masks=tuple(masks))


def _cells(count: int, *, height: int, width: int, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    if count == 1:
        return [(0, 0, height, width)]
    split_row = int(height * rng.uniform(0.45, 0.55))
    split_col = int(width * rng.uniform(0.45, 0.55))
    if count == 2:
        if rng.random() < 0.5:
            cells = [(0, 0, height, split_col), (0, split_col, height, width - split_col)]
        else:
            cells = [(0, 0, split_row, width), (split_row, 0, height - split_row, width)]
    else:
        cells = [
            (0, 0, split_row, split_col),
            (0, split_col, split_row, width - split_col),
            (split_row, 0, height - split_row, split_col),
            (split_row, split_col, height - split_row, width - split_col),
        ]
    order = rng.permutation(len(cells))[:count]
    return [cells[int(i)] for i in order]
