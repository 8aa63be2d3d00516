"""Masks carried along a shot by optical flow, from one frame to the next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.segmenters.entry import Coverage
from sounddesk.engine.types import RgbImage

_Floats = npt.NDArray[np.float32]

# Flow is computed at this size: the motion of a mask needs no finer one, and a 4K frame costs no more than a small one.
_LONGEST_SIDE_PX: Final = 640
# A pixel's motion counts by how closely going there and back ends where it began (px), and by how alike the two places
# look (grey values).
_ROUND_TRIP_PX: Final = 0.7
_LIKENESS: Final = 12.0
# Where the motions of a frame can be trusted less than this on the mean, it is another shot.
_LEAST_TRUSTED: Final = 0.3
# A place that no motion leads to was hidden behind something, or lies in something that grows. It belongs to the object
# only where the object is all around it; else every frame would leave a trail behind a moving one.
_NEIGHBOURHOOD_PX: Final = 9
_SURROUNDED: Final = 0.85
# How far from its edge a mask's motion is doubtful.
_EDGE_PX: Final = 4
# Interpolation softens an edge a little in every frame; this keeps it as steep as it was.
_SHARPEN: Final = 1.6


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """How the pixels of a frame move to the next one; both small and grey.

    Attributes:
        before, after: the two frames, uint8[h, w].
        forth, back: float32[h, w, 2], where each pixel goes and where it came from, as offsets (x, y).
        is_cut: the two frames do not show the same scene.
    """

    before: npt.NDArray[np.uint8]
    after: npt.NDArray[np.uint8]
    forth: _Floats
    back: _Floats
    is_cut: bool


class MaskTracker:
    """Follows masks through the frames of a shot, one `advance` per frame.

    Flow is OpenCV's DIS (Kroeger et al. 2016), which needs no weights. Each pixel takes its share of the mask along to
    where it goes; pixels whose motion cannot be trusted hardly count. At a cut, and where the frame's size changes, the
    masks return to where they were at first. Masks are followed at the size of the flow.

    Args:
        image: the frame that the masks belong to, sRGB uint8[H, W, 3].
        masks: uint8[H, W] by object name, shares of 255.
    """

    def __init__(self, image: RgbImage, masks: Mapping[str, Coverage]) -> None:
        self._first = dict(masks)
        self._at_start = True
        self._grey = small_grey(image)
        self._size = image.shape[:2]
        self._small = {name: _shrunk(mask, self._grey.shape) for name, mask in masks.items()}

    @property
    def masks(self) -> Mapping[str, Coverage]:
        """The masks in the frame reached last, at its size; at a cut those of the first frame, at theirs."""
        if self._at_start:
            return self._first
        return {name: _enlarged(mask, self._size) for name, mask in self._small.items()}

    def advance(self, image: RgbImage) -> bool:
        """Follow the masks into the next frame; False at a cut."""
        grey = small_grey(image)
        same_size = image.shape[:2] == self._size
        motion = motion_between(self._grey, grey) if same_size else None
        self._grey, self._size = grey, image.shape[:2]
        self._at_start = motion is None or motion.is_cut
        if motion is None or motion.is_cut:
            self._small = {name: _shrunk(mask, grey.shape) for name, mask in self._first.items()}
            return False
        self._small = {name: move_mask(mask, motion) for name, mask in self._small.items()}
        return True


def small_grey(image: RgbImage) -> npt.NDArray[np.uint8]:
    """The image in grey, at most 640 px long."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _LONGEST_SIDE_PX / max(height, width))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def motion_between(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Motion:
    """The motion from `before` to `after`, both grey and of one size."""
    import cv2

    flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(0)
    forth = np.asarray(flow.calc(before, after, None), dtype=np.float32)
    back = np.asarray(flow.calc(after, before, None), dtype=np.float32)
    motion = Motion(before=before, after=after, forth=forth, back=back, is_cut=False)
    is_cut = float(trust(motion, forth).mean()) < _LEAST_TRUSTED
    return dataclasses.replace(motion, is_cut=is_cut)


def trust(motion: Motion, forth: _Floats) -> _Floats:
    """How far each pixel's way `forth` can be trusted, float32[h, w] from 0 to 1: little where it gets hidden."""
    returned = np.linalg.norm(forth + _sample(motion.back, forth), axis=2)
    difference = _sample(motion.after.astype(np.float32), forth) - motion.before
    return np.exp(-((returned / _ROUND_TRIP_PX) ** 2) - (difference / _LIKENESS) ** 2).astype(np.float32)


def move_mask(mask: _Floats, motion: Motion) -> _Floats:
    """The mask float32[h, w] (0 to 1) carried along by a motion of the same size."""
    import cv2

    height, width = mask.shape
    # A little weight for all, so that a place that only doubtful motions lead to is not empty.
    forth = _firm_at_edges(motion.forth, inside=mask >= 0.5)
    weight = trust(motion, forth) + np.float32(1e-3)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = columns + forth[..., 0], rows + forth[..., 1]
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    total, share = np.zeros(height * width), np.zeros(height * width)
    for step_x in (0, 1):
        for step_y in (0, 1):
            column, row = left + step_x, top + step_y
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            part = ((1.0 - np.abs(x - column)) * (1.0 - np.abs(y - row)) * weight)[inside]
            place = (row * width + column)[inside]
            total += np.bincount(place, weights=part, minlength=height * width)
            share += np.bincount(place, weights=part * mask[inside], minlength=height * width)
    total, share = total.reshape(height, width), share.reshape(height, width)
    size = (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX)
    around = cv2.blur(share, size) / np.maximum(cv2.blur(total, size), 1e-9)
    moved = np.where(total > 0.05, share / np.maximum(total, 1e-9), around > _SURROUNDED)
    return np.clip((moved - 0.5) * _SHARPEN + 0.5, 0.0, 1.0).astype(np.float32)


def _firm_at_edges(forth: _Floats, *, inside: npt.NDArray[np.bool_]) -> _Floats:
    """The motion with a band along the mask's edge moving like the object within, and one like the scene without.

    Flow is smooth, so at an object's edge it is neither the object's motion nor that of what lies behind: taken as it
    is, each frame would leave a part of the mask behind.
    """
    import cv2

    result = forth.copy()
    side = 2 * _EDGE_PX + 1
    for part in (inside, ~inside):
        core = cv2.erode(part.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=1) > 0
        if not core.any():
            # Too thin to have a core: it moves as a whole.
            core = part
        band = part & ~core
        reach = (4 * side + 1, 4 * side + 1)
        weight = cv2.blur(core.astype(np.float32), reach)
        near = cv2.blur(np.where(core[..., None], forth, 0.0).astype(np.float32), reach)
        known = weight > 1e-4
        overall = forth[core].mean(axis=0) if core.any() else np.zeros(2, np.float32)
        smooth = np.where(known[..., None], near / np.maximum(weight, 1e-4)[..., None], overall)
        result[band] = smooth[band]
    return result


def _shrunk(mask: Coverage, shape: tuple[int, ...]) -> _Floats:
    import cv2

    small = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def _enlarged(mask: _Floats, size: tuple[int, ...]) -> Coverage:
    import cv2

    large = cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return quantise_probability(np.asarray(large))


def _sample(values: _Floats, offset: _Floats) -> _Floats:
    """`values` [h, w] or [h, w, c] read at each pixel plus its offset [h, w, 2]; beyond the edge, the edge."""
    import cv2

    height, width = offset.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(
        cv2.remap(
            values, columns + offset[..., 0], rows + offset[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.float32,
    )
