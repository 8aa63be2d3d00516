"""What the refiner is told beside the pixels, as training tells it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sounddesk.engine.starter.segmenter_refiner import HINTS
from sounddesk.engine.starter.segmenter_refiner import box_map
from sounddesk.engine.starter.segmenter_refiner import click_maps


def hints_of(
    guess: npt.NDArray[np.float32],
    *,
    earlier: npt.NDArray[np.float32] | None = None,
    clicks: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    box: npt.NDArray[np.float32] | None,
) -> npt.NDArray[np.float32]:
    """float32[HINTS, R, R] from logits [R, R], clicks [n, 2] and a box [4] in cells."""
    side = guess.shape[-1]
    hints = np.zeros((HINTS, side, side), np.float32)
    hints[0] = guess
    if earlier is not None:
        hints[1] = earlier
    hints[2:4] = click_maps(clicks, labels, side=side)
    if box is not None:
        hints[4] = box_map(box, side=side)
    return hints
