"""Training scenes from photographs in which objects are outlined: parts of them, changed as cameras and files would,
some with other objects laid among their own.

Composed scenes teach what an outline is; only photographs show objects before what really lies behind them (Ghiasi et
al., 'Simple Copy-Paste', 2021, for the laying).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.images.crowded_scenes import lay_on
from sounddesk.engine.images.crowded_scenes import resized_cut_out
from sounddesk.engine.images.crowded_scenes import worn
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import vary_cut_out
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

SoftMask = npt.NDArray[np.uint8]
"""uint8[H, W], how much of each pixel belongs to an object."""

# Longer sides in pixels of what is kept of a photograph, and of an object that is laid elsewhere.
_LONGEST: Final = 1280
_LONGEST_CUT_OUT: Final = 700
_LEAST_CUT_OUT: Final = 40
# Outlines drawn by hand are hard, the edges of things are not.
_SOFTNESS: Final = 0.6
# Longer side of a scene in pixels.
_SIDES: Final = (600, 1050)
_WHOLE: Final = 0.3
_WITH_OTHERS: Final = 0.3
# Objects of which less is in the picture, or that are smaller, are no objects to ask for.
_LEAST_VISIBLE: Final = 0.4
_LEAST_AREA: Final = 0.0012


@dataclass(frozen=True, kw_only=True, eq=False)
class OutlinedPhotograph:
    """A photograph uint8[H, W, 3] and the objects in it, each uint8[H, W]."""

    image: RgbImage
    masks: tuple[SoftMask, ...]

    def cut_outs(self) -> list[CutOut]:
        """The objects on their own; those of less than 40 pixels on a side are left out."""
        found = []
        for mask in self.masks:
            rows, columns = _extent(mask)
            if min(rows.stop - rows.start, columns.stop - columns.start) >= _LEAST_CUT_OUT:
                whole = np.dstack([self.image, mask])[rows, columns]
                found.append(_shrunk(np.ascontiguousarray(whole), _LONGEST_CUT_OUT))
        return found


def read_outlined(folder: Path, *, split: str = "") -> list[OutlinedPhotograph]:
    """The photographs of a folder as `read_annotated_photographs` finds them, at most 1280 pixels long.

    Raises: BadInputError.
    """
    photographs = []
    for found in read_annotated_photographs(folder, split=split):
        image = found.image()
        height, width = image.shape[:2]
        masks = []
        for one in found.objects:
            drawn = one.mask(height=height, width=width).astype(np.uint8) * 255
            large = max(height, width) > _LONGEST
            soft = _shrunk(drawn, _LONGEST) if large else cv2.GaussianBlur(drawn, (0, 0), _SOFTNESS)
            mask = soft.astype(np.uint8)
            if (mask > 127).any():
                masks.append(mask)
        if masks:
            photographs.append(OutlinedPhotograph(image=_shrunk(image, _LONGEST), masks=tuple(masks)))
    return photographs


def draw_photograph(
    photographs: Sequence[OutlinedPhotograph], *, cut_outs: Sequence[CutOut], rng: np.random.Generator
) -> tuple[RgbImage, tuple[BoolMask, ...]]:
    """A part of a photograph around one of its objects, and bool[H, W] of each object in it; there may be none.

    Args:
        photographs: each with at least one object.
        cut_outs: one or two of them are laid into three of ten scenes, half of these over an object.
    """
    photograph = photographs[int(rng.integers(len(photographs)))]
    image, soft = _view(photograph, rng)
    image = _jittered(image, rng)
    masks = [mask > 127 for mask in soft]
    whole = [int(mask.sum()) for mask in masks]
    if cut_outs and rng.random() < _WITH_OTHERS:
        for _ in range(int(rng.integers(1, 3))):
            varied = vary_cut_out(cut_outs[int(rng.integers(len(cut_outs)))], rng)
            layer = resized_cut_out(varied, shorter=min(image.shape[:2]), rng=rng)
            visible = [mask for mask in masks if mask.any()]
            beside = visible[int(rng.integers(len(visible)))] if visible and rng.random() < 0.5 else None
            covered = lay_on(image, layer, beside=beside, rng=rng)
            masks = [*(mask & ~covered for mask in masks), covered]
            whole.append(int((layer[..., 3] > 127).sum()))
    least = _LEAST_AREA * image.shape[0] * image.shape[1]
    kept = tuple(
        mask for mask, area in zip(masks, whole, strict=True) if mask.sum() >= max(least, _LEAST_VISIBLE * area)
    )
    return _blurred(image, rng), kept


def _view(photograph: OutlinedPhotograph, rng: np.random.Generator) -> tuple[RgbImage, list[SoftMask]]:
    """All of a photograph, or a part in which one object takes 20 to 95 % of the side; half of them mirrored."""
    height, width = photograph.image.shape[:2]
    part = np.s_[0:height, 0:width]
    if rng.random() >= _WHOLE:
        rows, columns = _extent(photograph.masks[int(rng.integers(len(photograph.masks)))])
        size = np.array([rows.stop - rows.start, columns.stop - columns.start])
        middle = np.array([rows.start + rows.stop, columns.start + columns.stop]) / 2
        side = size.max() / np.exp(rng.uniform(np.log(0.2), np.log(0.95)))
        shape = np.exp(rng.uniform(np.log(0.65), np.log(1.6)) / 2)
        extent = np.minimum(np.maximum(side * np.array([1 / shape, shape]), 60), [height, width]).astype(int)
        shift = rng.normal(0, 0.1, 2) * extent if rng.random() < 0.6 else rng.uniform(-0.6, 0.6, 2) * size
        top, left = np.clip(middle + shift - extent / 2, 0, [height, width] - extent).astype(int).tolist()
        part = np.s_[top : top + int(extent[0]), left : left + int(extent[1])]
    image = photograph.image[part]
    masks = [mask[part] for mask in photograph.masks if (mask[part] > 127).sum() >= max(1, 0.5 * (mask > 127).sum())]
    scale, stretch = rng.uniform(*_SIDES) / max(image.shape[:2]), np.exp(rng.normal(0, 0.1))
    size_px = (max(64, round(image.shape[1] * scale * stretch)), max(64, round(image.shape[0] * scale / stretch)))
    image = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).astype(np.uint8)
    masks = [cv2.resize(mask, size_px, interpolation=cv2.INTER_LINEAR).astype(np.uint8) for mask in masks]
    if rng.random() < 0.5:
        image, masks = np.ascontiguousarray(image[:, ::-1]), [np.ascontiguousarray(mask[:, ::-1]) for mask in masks]
    return image, masks


def _jittered(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Other light and colours."""
    colour = image.astype(np.float32)
    if rng.random() < 0.8:
        colour = colour * rng.uniform(0.8, 1.2, 3).astype(np.float32)
        grey = colour.mean(axis=2, keepdims=True)
        colour = grey + (colour - grey) * rng.uniform(0.4, 1.5)
        colour = np.clip((colour - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-30, 30), 0, 255)
        if rng.random() < 0.5:
            colour = 255 * (colour / 255) ** np.float32(rng.uniform(0.65, 1.5))
    if rng.random() < 0.04:
        colour = np.repeat(colour.mean(axis=2, keepdims=True), 3, axis=2)
    return np.clip(colour, 0, 255).astype(np.uint8)


def _blurred(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Some moved while they were taken, some enlarged, most with noise, blur or the traces of JPEG."""
    if rng.random() < 0.1:
        length, angle = int(rng.integers(3, 12)), rng.uniform(0, np.pi)
        kernel = np.zeros((length, length), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        first, last = ((length / 2 + sign * reach).astype(int).tolist() for sign in (-1, 1))
        cv2.line(kernel, first, last, 1.0)
        image = cv2.filter2D(image, -1, kernel / max(1.0, float(kernel.sum()))).astype(np.uint8)
    if rng.random() < 0.12:
        height, width = image.shape[:2]
        scale = rng.uniform(0.35, 0.7)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height)).astype(np.uint8)
    return worn(image, rng) if rng.random() < 0.7 else image


def _extent(mask: SoftMask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero((mask > 127).any(axis=1)), np.flatnonzero((mask > 127).any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shrunk(picture: npt.NDArray[np.uint8], longest: int) -> npt.NDArray[np.uint8]:
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
