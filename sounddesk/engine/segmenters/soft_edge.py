"""Masks of segmenters as bytes, soft at their edge alone.

A network is never quite sure. Its thousandths all over an image cost 165 kB where the object's edge costs 11, and
whoever looks at the mask afterwards, the UI thread too, has to unpack them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import quantise_probability

# A pixel of a smaller probability does not belong to the object, and one of more than 1 less this does altogether.
LEAST_SURE: Final = 1 / 16


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftMask:
    """A mask from (left, top) on: uint8[height, width], 255 for 1; nothing elsewhere."""

    left: int
    top: int
    pixels: npt.NDArray[np.uint8]


def soft_mask(
    probability: npt.NDArray[np.floating[Any]], *, within: tuple[int, int, int, int] | None = None
) -> SoftMask | None:
    """The soft mask of probabilities [H, W] in 0 to 1; None where it is empty.

    Args:
        within: (left, top, right, bottom) outside of which there is nothing, where that is known.
    """
    height, width = probability.shape
    # Most of a photograph of 12 megapixels is not the object: all further work is done on the part that may be.
    left, top, right, bottom = within or (0, 0, width, height)
    part = probability[top:bottom, left:right]
    rows = np.flatnonzero(part.max(axis=1) >= LEAST_SURE)
    if not len(rows):
        return None
    part = part[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(part.max(axis=0) >= LEAST_SURE)
    part = part[:, columns[0] : columns[-1] + 1]
    cut = part * (part >= LEAST_SURE)
    np.putmask(cut, cut > 1 - LEAST_SURE, 1)
    return SoftMask(left=left + int(columns[0]), top=top + int(rows[0]), pixels=quantise_probability(cut))
