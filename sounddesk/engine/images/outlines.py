"""Masks from outlines and from runs of pixels, exact to the pixel, with bounds on the work before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import BoolMask

# Crossings of edges with pixel rows: an outline that zigzags over a whole 200-megapixel picture has fewer.
MAX_CROSSINGS: Final = 50_000_000
_CROSSINGS_AT_ONCE: Final = 1 << 20
_FARTHEST_PX: Final = 1e7
# A count of COCO's text has at most seven groups of five bits: 2^35 pixels.
_MAX_GROUPS: Final = 7


def polygon_mask(polygon: npt.ArrayLike, *, height: int, width: int) -> BoolMask:
    """Pixels whose centres lie inside a closed polygon by the even-odd rule, so an opening may be cut into its outline.

    Args:
        polygon: float[N, 2], (x, y) in pixels of the image, pixel i covering [i, i + 1); at least 3 points.

    Returns:
        bool[height, width].

    Raises:
        ValueError: not finite, or with more edges than can be drawn in a reasonable time.

    Example:
        >>> int(polygon_mask([(1, 1), (4, 1), (4, 3), (1, 3)], height=5, width=6).sum())
        6
    """
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(corners).all():
        raise ValueError("a coordinate is no number")
    corners = corners.clip(-_FARTHEST_PX, _FARTHEST_PX)
    x0, y0 = corners[:, 0], corners[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    # Rows whose middle line the edge crosses, its upper end included and its lower one not.
    first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, height).astype(np.int64)
    counts = last - first
    total = int(counts.sum())
    if total > MAX_CROSSINGS:
        raise ValueError(f"its outline crosses {total} rows of pixels: simplify it")
    crossings = np.zeros(height * (width + 1), dtype=np.int32)
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(corners):
        done = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _CROSSINGS_AT_ONCE, side="right")))
        some = slice(begin, end)
        edge = np.repeat(np.arange(begin, min(end, len(corners))), counts[some])
        rows = np.arange(len(edge)) - (ends[edge] - counts[edge] - done) + first[edge]
        x = x0[edge] + (rows + 0.5 - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        columns = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
        places, times = np.unique(rows * (width + 1) + columns, return_counts=True)
        crossings[places] += times.astype(np.int32)
        begin = end
    mask: BoolMask = np.cumsum(crossings.reshape(height, width + 1)[:, :width], axis=1, dtype=np.int32) % 2 == 1
    return mask


def run_length_mask(counts: Sequence[int] | str, *, height: int, width: int) -> BoolMask:
    """A mask from COCO's runs: down the columns, not part of the object first; as numbers or packed into text.

    Nothing of the mask's size is made before the runs are known to cover it.

    Args:
        counts: the lengths of the runs in pixels, or the text of `decode_run_lengths`.

    Returns:
        bool[height, width].

    Raises:
        ValueError: the runs do not cover the image, or the text is damaged.

    Example:
        >>> run_length_mask([1, 2, 1], height=2, width=2).tolist()
        [[False, True], [True, False]]
    """
    runs = checked_runs(counts, height=height, width=width)
    values = np.arange(len(runs)) % 2 == 1
    mask: BoolMask = np.repeat(values, runs).reshape(width, height).T
    return mask


def scaled_run_length_mask(
    counts: Sequence[int] | str, *, height: int, width: int, image_size: tuple[int, int]
) -> BoolMask:
    """`run_length_mask` at another size, by the nearest pixels; the mask's own size is never made.

    Args:
        image_size: (width, height) of the result in pixels.

    Raises:
        ValueError: as `run_length_mask`.
    """
    if (width, height) == image_size:
        return np.ascontiguousarray(run_length_mask(counts, height=height, width=width))
    ends = np.cumsum(checked_runs(counts, height=height, width=width))
    columns = ((np.arange(image_size[0]) + 0.5) * width / image_size[0]).astype(np.int64)
    rows = ((np.arange(image_size[1]) + 0.5) * height / image_size[1]).astype(np.int64)
    mask: BoolMask = np.empty((image_size[1], image_size[0]), dtype=np.bool_)
    for row, place in enumerate(rows):
        mask[row] = np.searchsorted(ends, columns * height + place, side="right") % 2 == 1
    return mask


def checked_runs(counts: Sequence[int] | str, *, height: int, width: int) -> npt.NDArray[np.int64]:
    """The lengths of runs, int64[N], which cover the image. Raises: ValueError."""
    if isinstance(counts, str):
        runs = np.asarray(decode_run_lengths(counts), dtype=np.int64)
    else:
        if any(isinstance(each, bool) or not isinstance(each, int) or not 0 <= each < 1 << 40 for each in counts):
            raise ValueError("a run length is no whole number from 0 up")
        runs = np.asarray(counts, dtype=np.int64)
    if int(runs.sum()) != height * width or (runs < 0).any():
        raise ValueError(f"its run lengths cover {int(runs.sum())} pixels and do not fill {width} x {height}")
    return runs


def decode_run_lengths(text: str) -> list[int]:
    """COCO's compressed counts: 5 bits a character from 48 on, bit 5 for 'more follows', each count from the third
    on relative to the one two before it (cocoapi, maskApi.c, rleFrString).

    Read by a few lines here, because pycocotools, the usual reader, is a C extension that would be a dependency for
    nothing else.

    Raises:
        ValueError: a character out of range, a count of more than 35 bits, or the text ends within a count.

    Example:
        >>> decode_run_lengths("04")
        [0, 4]
    """
    try:
        codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        raise ValueError("its counts hold characters that are no part of compressed counts") from None
    if not codes.size:
        return []
    if codes.min() < 0 or codes.max() >= 64:
        wrong = text[int(np.flatnonzero((codes < 0) | (codes >= 64))[0])]
        raise ValueError(f"{wrong!r} is no part of compressed counts")
    is_last = codes & 32 == 0
    if not is_last[-1]:
        raise ValueError("its counts end too early")
    ends = np.flatnonzero(is_last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MAX_GROUPS:
        raise ValueError("a count has more than 35 bits")
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, lengths))
    values = np.add.reduceat((codes & 31) << shifts, starts)
    negative = codes[ends] & 16 != 0
    values[negative] -= np.int64(1) << (5 * lengths[negative])
    # From the fourth on, differences to the count two before.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return [int(each) for each in values]
