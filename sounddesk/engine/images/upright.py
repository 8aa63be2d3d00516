"""How pictures are turned upright, as EXIF counts it (EXIF 2.32, tag 0x0112): 1 not at all, 2 to 8."""

from __future__ import annotations

from typing import Any
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", bound=np.generic)


def turns_sideways(orientation: int) -> bool:
    """Whether width and height change places."""
    return 5 <= orientation <= 8


def turned(pixels: npt.NDArray[Scalar], orientation: int) -> npt.NDArray[Scalar]:
    """A stored picture [H, W, ...] upright, [W, H, ...] where the sides change places.

    Example:
        >>> turned(np.array([[1, 2]]), 6).tolist()
        [[1], [2]]
        >>> turned(np.array([[1, 2]]), 8).tolist()
        [[2], [1]]
    """
    made: dict[int, Any] = {
        2: lambda: pixels[:, ::-1],
        3: lambda: pixels[::-1, ::-1],
        4: lambda: pixels[::-1],
        5: lambda: pixels.swapaxes(0, 1),
        6: lambda: pixels.swapaxes(0, 1)[:, ::-1],
        7: lambda: pixels[::-1, ::-1].swapaxes(0, 1),
        8: lambda: pixels.swapaxes(0, 1)[::-1],
    }
    result: npt.NDArray[Scalar] = made[orientation]() if orientation in made else pixels
    return result
