"""Masks from outlines and from runs of pixels, exact to the pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import BoolMask


def polygon_mask(polygon: npt.ArrayLike, *, height: int, width: int) -> BoolMask:
    """Pixels whose centres lie inside a closed polygon by the even-odd rule, so an opening may be cut into its outline.

    Args:
        polygon: float[N, 2], (x, y) in pixels of the image, pixel i covering [i, i + 1); at least 3 points.

    Returns:
        bool[height, width].

    Example:
        >>> int(polygon_mask([(1, 1), (4, 1), (4, 3), (1, 3)], height=5, width=6).sum())
        6
    """
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    crossings = np.zeros((height, width + 1), dtype=np.int32)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        # Rows whose middle line the edge crosses, its upper end included and its lower one not.
        first, last = np.clip(np.ceil(np.sort([y0, y1]) - 0.5).astype(int), 0, height)
        rows = np.arange(first, last)
        x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.clip(np.ceil(x - 0.5).astype(int), 0, width)
        np.add.at(crossings, (rows, columns), 1)
    mask: BoolMask = np.cumsum(crossings[:, :width], axis=1) % 2 == 1
    return mask


def run_length_mask(counts: Sequence[int] | str, *, height: int, width: int) -> BoolMask:
    """A mask from COCO's runs: down the columns, not part of the object first; as numbers or packed into text.

    Raises:
        ValueError: the runs do not cover the image.

    Example:
        >>> run_length_mask([1, 2, 1], height=2, width=2).tolist()
        [[False, True], [True, False]]
    """
    runs = np.asarray(_unpacked(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if int(runs.sum()) != height * width or (runs < 0).any():
        raise ValueError(f"the runs cover {int(runs.sum())} pixels of {height * width}")
    values = np.arange(len(runs)) % 2 == 1
    mask: BoolMask = np.repeat(values, runs).reshape(width, height).T
    return mask


def _unpacked(text: str) -> list[int]:
    """COCO's text: groups of 5 bits, the lowest first, bit 6 for 'more follows'; from the third run on, differences to
    the run before the last.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        bits = letter - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
