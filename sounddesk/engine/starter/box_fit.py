"""Which mask a box means: the one that reaches the box's sides, as whoever draws a box draws it around the whole thing.

The refiner stops early where it is unsure (legs, claws, what is half hidden), and then the mask ends far from a side of
the box; cut lower, it often goes on. Lempitsky et al., 'Image segmentation with a bounding box prior', 2009, make that
a constraint; here it is part of a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import stability
from sounddesk.engine.starter.drawn_mask import tidied
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt

# Logits at which a mask is cut: as it is, and ever less sure.
_CUTS: Final = (0.0, -1.0, -2.0, -3.0)
# How much a side of a hand-drawn box may stand off the thing, in shares of the box's longer side.
_MARGIN: Final = 0.05
# Weights of the score beside how well the bounds fit; chosen on the validation photographs (decision 107).
_STABILITY: Final = 0.3
_PREDICTED: Final = 0.2
_CUT_COST: Final = 0.15


def best_in_box(drawn: Sequence[DrawnMask], prompt: FittedPrompt, *, image_size: int) -> DrawnMask:
    """The mask that fits the box best among some and their less sure cuts, tidied.

    Args:
        drawn: what the refiner drew for the box.
        prompt: the box alone.
        image_size: of the encoder, in pixels.

    Raises:
        ValueError: the prompt has no box.
    """
    if prompt.box is None:
        raise ValueError("the prompt has no box: best_in_box chooses by the sides of one")
    corners = np.array(prompt.box, np.float32).reshape(2, 2)
    readings: list[tuple[float, DrawnMask]] = []
    for each in drawn:
        box = each.region.cells(corners, image_size=image_size, side=len(each.logits)).reshape(4)
        for cut in _CUTS:
            lower = replace(each, logits=each.logits - np.float32(cut))
            tidy = tidied(lower, prompt, image_size=image_size)
            mask = tidy.logits > 0
            if not mask.any():
                continue
            quality = (
                _fit(bounds_of(mask), box, each.region, side=len(mask))
                + _STABILITY * stability(tidy.logits)
                + _PREDICTED * each.score
                + _CUT_COST * cut
            )
            readings.append((quality, tidy))
    if not readings:
        return tidied(drawn[0], prompt, image_size=image_size)
    return max(readings, key=lambda reading: reading[0])[1]


def _fit(bounds: tuple[int, int, int, int], box: npt.NDArray[np.float32], region: Region, *, side: int) -> float:
    """Overlap (IoU) of a mask's bounds, in cells, with the nearest ones that the box may have been drawn around."""
    rows, columns = region.size
    cells_a_pixel = np.array([side / columns, side / rows])
    sides = (box[2:] - box[:2]) / cells_a_pixel
    margin = _MARGIN * float(sides.max()) * cells_a_pixel
    # Sides on the image's border have nothing beyond them to stand off from.
    outer = np.clip(box, 0, side)
    inner = np.concatenate([outer[:2] + margin, outer[2:] - margin])
    found = np.array(bounds, np.float64)
    meant = np.clip(found, np.minimum(outer, inner), np.maximum(outer, inner))
    shared = np.minimum(found[2:], meant[2:]) - np.maximum(found[:2], meant[:2])
    if (shared <= 0).any():
        return 0.0
    areas = [float(np.prod(each[2:] - each[:2])) for each in (found, meant)]
    both = float(np.prod(shared))
    return both / (sum(areas) - both)
