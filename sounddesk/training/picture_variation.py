"""Other manners and other sides of a training picture."""

from __future__ import annotations

from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.scene_composition import CutOut

# How far a corner moves, in shares of the longer side.
_LARGEST_MOVE: Final = 0.14


def restyle(cut_out: CutOut, rng: np.random.Generator) -> CutOut:
    """Another manner of the same picture: grey, other colours, flat areas, soft, ink on paper, or two colours.

    Takes and gives uint8[H, W, 4].

    Every artist of the sources draws many kinds in one manner. What is recognised shall be the thing, not the artist.
    """
    rgb = np.ascontiguousarray(cut_out[..., :3])
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    manner = int(rng.integers(6))
    drawn: npt.NDArray[Any]
    if manner == 0:
        drawn = np.repeat(grey[..., None], 3, axis=2)
    elif manner == 1:
        hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int32) + int(rng.integers(-18, 19))) % 180
        drawn = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    elif manner == 2:
        step = int(rng.integers(32, 80))
        drawn = rgb // step * step + step // 2
    elif manner == 3:
        drawn = cv2.GaussianBlur(rgb, (0, 0), float(max(cut_out.shape) * rng.uniform(0.005, 0.02)))
    elif manner == 4:
        reach = max(3, int(min(grey.shape) * 0.06) | 1)
        ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, reach, 6)
        drawn = np.repeat(ink[..., None], 3, axis=2)
    else:
        dark, light = rng.integers(0, 128, 3), rng.integers(128, 256, 3)
        drawn = dark + (light - dark) * (grey[..., None] / 255.0)
    return np.dstack([drawn, cut_out[..., 3]]).astype(np.uint8)


def warp(cut_out: CutOut, rng: np.random.Generator) -> CutOut:
    """The picture in perspective, each corner moved by up to 14 % of its longer side.

    Takes and gives uint8[H, W, 4], tight around what is visible.
    """
    height, width = cut_out.shape[:2]
    reach = _LARGEST_MOVE * max(height, width)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-reach, reach, corners.shape).astype(np.float32)
    moved -= moved.min(axis=0)
    size = tuple(int(length) for length in np.maximum(np.ceil(moved.max(axis=0)), 4))
    seen = cv2.warpPerspective(
        np.ascontiguousarray(cut_out), cv2.getPerspectiveTransform(corners, moved), size, flags=cv2.INTER_LINEAR
    )
    rows, columns = (np.flatnonzero((seen[..., 3] > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return cut_out
    return seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
