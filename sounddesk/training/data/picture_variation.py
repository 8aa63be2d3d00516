"""Augmentation of training pictures: restyling and perspective."""

from __future__ import annotations

from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.images.scene_composition import CutOut

# How far a corner moves, in shares of the longer side.
_LARGEST_MOVE: Final = 0.14


def restyle(cut_out: CutOut, rng: np.random.Generator) -> CutOut:
    """Another manner of the same picture: grey, other colours, flat areas, soft, ink on paper, two colours, or a sign.

    Takes and gives uint8[H, W, 4].

    Each artist of the sources draws many kinds in one style; the network should recognise the thing, not the artist.
    """
    rgb = np.ascontiguousarray(cut_out[..., :3])
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    manner = int(rng.integers(8))
    drawn: npt.NDArray[Any]
    if manner == 0:
        drawn = np.repeat(grey[..., None], 3, axis=2)
    elif manner == 1:
        hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int32) + int(rng.integers(-18, 19))) % 180
        drawn = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    elif manner == 2:
        drawn = _flat(rgb, rng)
    elif manner == 3:
        drawn = cv2.GaussianBlur(rgb, (0, 0), float(max(cut_out.shape) * rng.uniform(0.005, 0.02)))
    elif manner == 4:
        reach = max(3, int(min(grey.shape) * 0.06) | 1)
        ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, reach, 6)
        drawn = np.repeat(ink[..., None], 3, axis=2)
    elif manner == 5:
        dark, light = rng.integers(0, 128, 3), rng.integers(128, 256, 3)
        drawn = dark + (light - dark) * (grey[..., None] / 255.0)
    else:
        drawn = as_sign(cut_out, rng)
    return np.dstack([drawn, cut_out[..., 3]]).astype(np.uint8)


def _flat(rgb: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The middles of a few equal ranges of each colour in its place."""
    step = int(rng.integers(32, 80))
    return np.minimum(rgb.astype(np.int32) // step * step + step // 2, 255).astype(np.uint8)


def as_sign(cut_out: CutOut, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Outline and inner edges as strokes of one width, uint8[H, W, 3], as icon sets draw.

    On flat colours and on white in a dark colour, on a dark filling in white.
    """
    longest = max(cut_out.shape[:2])
    width = max(2, round(longest * rng.uniform(0.012, 0.035)))
    solid = (cut_out[..., 3] >= 128).astype(np.uint8)
    # Without a margin a filling that reaches the edge of the picture would have no outline there.
    padded = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    smooth = cv2.medianBlur(np.ascontiguousarray(cut_out[..., :3]), 2 * max(1, longest // 80) + 1)
    edges = cv2.Canny(smooth, 60, 150) * (depth > width)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    strokes = (cv2.dilate(edges, brush) > 0) | (depth <= width)
    ink: npt.NDArray[Any] = rng.integers(0, 70, 3)
    drawn: npt.NDArray[Any]
    filling = int(rng.integers(3))
    if filling == 0:
        drawn = _flat(smooth, rng)
    elif filling == 1:
        drawn = np.full_like(smooth, 245)
    else:
        drawn, ink, strokes = np.broadcast_to(ink, smooth.shape), np.full(3, 245), strokes & (depth > width)
    return np.where(strokes[..., None], ink, drawn).astype(np.uint8)


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
