"""What a click would change, as a small picture: made off the UI thread, quick to paint at any size of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import BoolMask
from sounddesk.domain.mask import Box

NOTHING, GAINED, GAINED_EDGE, LOST, LOST_EDGE = range(5)
# More is not seen on a screen, and takes longer to make and to paint.
_LONGEST_SIDE: Final = 1536


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskChange:
    """What would come into a mask and what would go out of it.

    Attributes:
        box: the part of the image that changes.
        codes: uint8[h, w] over that part, at most at its resolution: `NOTHING`, `GAINED` and its edge, `LOST` and its
            edge.
    """

    box: Box
    codes: npt.NDArray[np.uint8]


def mask_change(before: BoolMask | None, after: BoolMask) -> MaskChange | None:
    """From one mask to another of its size; None where they look alike.

    Args:
        before: bool[H, W]; None for an empty one.
        after: bool[H, W].

    Example:
        >>> before, after = np.zeros((2, 12, 12), bool)
        >>> before[4:8, 2:8] = after[4:8, 4:10] = True
        >>> change = mask_change(before, after)
        >>> change.box
        Box(left=2, top=4, right=10, bottom=8)
        >>> change.codes[0].tolist() == [LOST_EDGE] * 2 + [NOTHING] * 4 + [GAINED_EDGE] * 2
        True
    """
    height, width = after.shape
    step = max(1, -(-max(height, width) // _LONGEST_SIDE))
    new = after[::step, ::step]
    old = np.zeros_like(new) if before is None else before[::step, ::step]
    changed = new != old
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        return None
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    gained, lost = (changed & new)[part], (changed & old)[part]
    codes = np.zeros(gained.shape, np.uint8)
    for where, inner, edge in ((gained, GAINED, GAINED_EDGE), (lost, LOST, LOST_EDGE)):
        codes[where] = inner
        codes[where & ~_inside(where)] = edge
    left, top = int(columns[0]) * step, int(rows[0]) * step
    right, bottom = min(width, left + codes.shape[1] * step), min(height, top + codes.shape[0] * step)
    return MaskChange(box=Box(left=left, top=top, right=right, bottom=bottom), codes=codes)


def _inside(mask: BoolMask) -> BoolMask:
    """The pixels of which all four neighbours belong to the mask."""
    out = np.zeros_like(mask)
    out[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return out
