"""Pictures of Qt's from arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

_FORMATS = {1: QImage.Format.Format_Indexed8, 3: QImage.Format.Format_RGB888}


def image_copy(pixels: npt.NDArray[np.uint8]) -> QImage:
    """A picture with memory of its own: Qt keeps no array alive whose memory a picture is made over.

    Args:
        pixels: uint8[H, W] of indices into a colour table that is still to be set, uint8[H, W, 3] of RGB, or
            uint8[H, W, 4] of premultiplied colours in the order of a little-endian 0xAARRGGBB: B, G, R, A.

    Example:
        >>> image_copy(np.zeros((2, 3, 3), np.uint8)).size().toTuple()
        (3, 2)
    """
    kept = np.ascontiguousarray(pixels)
    height, width = kept.shape[:2]
    channels = 1 if kept.ndim == 2 else kept.shape[2]
    form = _FORMATS.get(channels, QImage.Format.Format_ARGB32_Premultiplied)
    return QImage(kept.data, width, height, channels * width, form).copy()
