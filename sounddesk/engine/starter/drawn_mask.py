"""From what the refiner drew in a region to a mask of the whole image that obeys the clicks."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.click_constraints import obey_clicks
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.types import BoolMask

# Smaller parts of a mask that no click is on are specks.
_LEAST_PART: Final = 0.1
# What a pixel gets that is taken out of a mask or put into it.
_SURE_LOGIT: Final = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnMask:
    """Logits float32[R, R] of one region, outside of which there is nothing, and the predicted IoU."""

    region: Region
    logits: npt.NDArray[np.float32]
    score: float


def tidied(drawn: DrawnMask, prompt: FittedPrompt, *, image_size: int) -> DrawnMask:
    """Without the parts of the mask that no positive click is on, and without holes in the rest.

    What looks like the object elsewhere in the image, which the network often joins to it, is another object or none.
    """
    mask = drawn.logits > 0
    points = np.array(prompt.points, np.float32).reshape(-1, 2)
    cells = drawn.region.cells(points, image_size=image_size, side=len(mask)).tolist()
    positive = [(x, y) for (x, y), label in zip(cells, prompt.labels, strict=True) if label == 1]
    negative = [(x, y) for (x, y), label in zip(cells, prompt.labels, strict=True) if label == 0]
    kept = keep_parts(mask, positive, least_share=_LEAST_PART)
    if not kept.any():
        kept = keep_parts(mask, (), least_share=_LEAST_PART)
    whole = fill_holes(kept, except_at=negative)
    tidy = np.where(mask & ~kept, np.minimum(drawn.logits, -_SURE_LOGIT), drawn.logits)
    return replace(drawn, logits=np.where(whole & ~mask, _SURE_LOGIT, tidy).astype(np.float32))


def candidate_of(encoded: EncodedImage, drawn: DrawnMask, prompt: FittedPrompt) -> Candidate | None:
    """One mask at image size that obeys the clicks; None where nothing was found at a single one."""
    region = drawn.region
    rows, columns = region.size
    fine = cv2.resize(drawn.logits, (columns, rows), interpolation=cv2.INTER_LINEAR)
    probability = np.zeros((encoded.height, encoded.width), np.float32)
    probability[region.rows, region.columns] = 1 / (1 + np.exp(-fine))
    if not (probability >= 0.5).any() and len(prompt.points) < 2:
        return None
    probability = obey_clicks(probability, positive=prompt.positive, negative=prompt.negative)
    mask: BoolMask = probability >= 0.5
    if not mask.any():
        return None
    return Candidate(mask=mask, probability=probability, score=min(1.0, max(0.0, drawn.score)))
