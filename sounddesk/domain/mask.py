"""Pure functions on masks: which pixels of an image belong to an object, `bool[H, W]`."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

BoolMask = npt.NDArray[np.bool_]

# A mask drawn on a resized copy of the image is off by the rounding of one pixel per side; more than
# this share is another picture, however small the mask.
_MAX_ASPECT_DEVIATION: Final = 0.05

_REC601: Final = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in image pixels; `right` and `bottom` are one past the last pixel."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def quantise_probability(probability: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Probabilities or shares in 0 to 1 as bytes, 255 for 1; what lies outside is clipped.

    Rounded to the nearest, halves to the even byte. A probability of at least one half, which belongs to the object,
    becomes at least 128 (127.5 is rounded up), and one below it at most 127.

    Example:
        >>> quantise_probability(np.array([0.0, 0.5, 1.0])).tolist()
        [0, 128, 255]
    """
    # In place: of a large mask another array takes longer than what is computed.
    scaled = np.asarray(probability * 255)
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(np.uint8)


def check_mask(mask: npt.NDArray[Any], *, name: str | None = None) -> None:
    """Refuse what is not a mask.

    Raises:
        ValueError: unless `mask` is bool with two axes of at least one pixel.
    """
    if mask.dtype != np.bool_ or mask.ndim != 2 or 0 in mask.shape:
        raise ValueError(f"{_label(name)} is {mask.dtype}{list(mask.shape)}: give bool[height, width]")


def check_not_empty(mask: BoolMask, *, name: str | None = None) -> None:
    """Refuse a mask without a single pixel.

    Raises:
        ValueError: naming the object `name`, where given, and the remedy.
    """
    check_mask(mask, name=name)
    if not mask.any():
        raise ValueError(f"{_label(name)} is empty: select an object or paint one")


def union(masks: Sequence[BoolMask]) -> BoolMask:
    """Pixels that belong to any of `masks`.

    Raises:
        ValueError: no mask given, or sizes differ.
    """
    if not masks:
        raise ValueError("no mask to unite: select at least one object")
    for mask in masks:
        check_mask(mask)
        if mask.shape != masks[0].shape:
            raise ValueError(f"masks are {_size(masks[0])} and {_size(mask)} pixels: bring them to the image's size")
    return np.asarray(np.logical_or.reduce(masks))


def area(mask: BoolMask) -> int:
    """Number of pixels in the mask."""
    check_mask(mask)
    return int(np.count_nonzero(mask))


def coverage(mask: BoolMask) -> float:
    """Share of the image that the mask covers, 0 to 1."""
    return area(mask) / mask.size


def bounding_box(mask: BoolMask) -> Box:
    """The smallest box that holds every pixel of the mask.

    Raises:
        ValueError: empty mask.
    """
    check_not_empty(mask)
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1)


def centroid(mask: BoolMask) -> tuple[float, float]:
    """Mean (x, y) of the mask's pixel centres, in pixels from the image's left top corner.

    Raises:
        ValueError: empty mask.
    """
    check_not_empty(mask)
    per_column = mask.sum(axis=0)
    per_row = mask.sum(axis=1)
    n = int(per_row.sum())
    x = float(per_column @ np.arange(mask.shape[1])) / n + 0.5
    y = float(per_row @ np.arange(mask.shape[0])) / n + 0.5
    return x, y


def pan_from_mask(mask: BoolMask) -> float:
    """A pan to suggest for the object: -1 (left edge of the image) to 1 (right edge), from the centroid.

    Raises:
        ValueError: empty mask.
    """
    x, _ = centroid(mask)
    return float(2.0 * x / mask.shape[1] - 1.0)


def fit_to_image(mask: BoolMask, *, width: int, height: int) -> BoolMask:
    """The mask at the image's size.

    Each pixel takes the majority of the area it covers; a mask so small that no pixel has a majority keeps
    its best covered ones, so that a selection never vanishes by resizing.

    Args:
        mask: bool[H, W] of the image's aspect ratio (to the rounding of one pixel, at most 5 %).
        width: image width in pixels.
        height: image height in pixels.

    Raises:
        ValueError: another aspect ratio.
    """
    check_mask(mask)
    if width < 1 or height < 1:
        raise ValueError(f"image is {width} x {height} pixels: both must be at least 1")
    if mask.shape == (height, width):
        return mask.copy()
    mask_height, mask_width = mask.shape
    deviation = abs(mask_width * height / (mask_height * width) - 1.0)
    if deviation > min(_MAX_ASPECT_DEVIATION, 1.0 / min(mask_height, mask_width, height, width)):
        raise ValueError(
            f"mask is {_size(mask)} pixels and the image {width} x {height}: "
            "give a mask of the image's size or of the same aspect ratio"
        )
    share = _average_rows(_average_rows(mask.astype(np.float32), n=height).T, n=width).T
    fitted = share >= 0.5
    if not fitted.any() and mask.any():
        fitted = share >= share.max()
    return np.ascontiguousarray(fitted)


def mask_sha256(mask: BoolMask | npt.NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of a mask's size and pixels: the same for the same mask, however its file was encoded.

    Args:
        mask: bool[H, W], or uint8[H, W] where the mask is kept as shares of 255 (soft edges).

    Raises:
        ValueError: another kind or shape.
    """
    if mask.dtype == np.uint8 and mask.ndim == 2:
        pixels = np.ascontiguousarray(mask).tobytes()
    else:
        check_mask(mask)
        pixels = np.packbits(mask, axis=None).tobytes()
    header = struct.pack("<III", mask.shape[0], mask.shape[1], 8 if mask.dtype == np.uint8 else 1)
    return hashlib.sha256(header + pixels).hexdigest()


def _label(name: str | None) -> str:
    return "mask" if name is None else f"mask of {name!r}"


def _size(mask: BoolMask) -> str:
    return f"{mask.shape[1]} x {mask.shape[0]}"


def _average_rows(values: npt.NDArray[np.float32], *, n: int) -> npt.NDArray[np.float32]:
    """Area average of `values` [rows, columns] down (or up) to `n` rows."""
    rows = values.shape[0]
    edges = np.arange(n + 1) * rows / n
    out = np.empty((n, values.shape[1]), dtype=np.float32)
    for i in range(n):
        start, end = edges[i], edges[i + 1]
        first, last = int(start), min(int(np.ceil(end)), rows)
        weights = np.minimum(np.arange(first, last) + 1, end) - np.maximum(np.arange(first, last), start)
        out[i] = weights.astype(np.float32) @ values[first:last] / np.float32(weights.sum())
    return out
