"""Which of the ways in which a click can be meant is shown first: the one that agrees best with all of them.

The overlap that the refiner predicts for its own mask hardly tells a part from the thing it belongs to. What the
candidates have in common tells more: each of them, cut where it is sure and less sure, stands for something that may be
meant, and the mask with the highest mean overlap with these is the best guess under that uncertainty (minimum Bayes
risk, Kumar and Byrne 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import stability
from sounddesk.engine.starter.region import enclosing
from sounddesk.engine.starter.region import redrawn
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.types import BoolMask

# Logits at which each candidate is cut: as it is, where it is surer, and less sure.
_CUTS: Final = (0.0, 2.0, -2.0)
# Of the stability of a mask between two cuts (SAM's stability score) beside the agreement; chosen on the validation
# photographs (decision 106), where 0.2 to 1 are alike.
_STABILITY: Final = 0.5
# Cells a side on which masks are compared.
_SIDE: Final = 128
_OUTSIDE_LOGIT: Final = -8.0


def with_agreement(drawn: Sequence[DrawnMask], prompt: FittedPrompt, *, image_size: int) -> list[DrawnMask]:
    """The masks of a single click in their order, with how well each agrees with all of them as its score, 0 to 1.

    Args:
        drawn: what the refiner drew for each way in which the click can be meant.
        prompt: the click.
        image_size: of the encoder, in pixels.
    """
    around = enclosing([each.region for each in drawn])
    cells = around.cells(np.array(prompt.points, np.float32), image_size=image_size, side=_SIDE)
    column, row = (int(value) for value in np.clip(cells[0], 0, _SIDE - 1))
    coarse = [redrawn(each.logits, each.region, around, side=_SIDE, outside=_OUTSIDE_LOGIT) for each in drawn]
    meant = [_part_at(logits > cut, row, column) for logits in coarse for cut in _CUTS]
    meant = [mask for mask in meant if mask.any()]
    scored = []
    for each, logits in zip(drawn, coarse, strict=True):
        mask = _part_at(logits > 0, row, column)
        agreement = float(np.mean([overlap(mask, other) for other in meant])) if mask.any() else 0.0
        score = (agreement + _STABILITY * stability(logits)) / (1 + _STABILITY)
        scored.append(replace(each, score=score))
    return scored


def _part_at(mask: BoolMask, row: int, column: int) -> BoolMask:
    """The part of the mask under the click; nothing where the click is off it."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    part: BoolMask = (parts == parts[row, column]) & mask
    return part
