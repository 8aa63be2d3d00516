"""From what the refiner drew in a region to a mask of the whole image that obeys the clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.click_constraints import obey_clicks
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.starter.guided_filter import follow_colours
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import enclosing
from sounddesk.engine.starter.region import redrawn
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

# Smaller parts of a mask that no click is on are specks.
_LEAST_PART: Final = 0.1
# What a pixel gets that is taken out of a mask or put into it.
_SURE_LOGIT: Final = 4.0
# Cells a side on which masks are compared.
_COMPARED_SIDE: Final = 256
# Logits between which a stable mask changes little.
_STABLE_LOGIT: Final = 1.5
# Probabilities stay so far from 0 and 1, so that they have logits.
_LEAST_SURE: Final = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnMask:
    """Logits float32[S, S] of one region, outside of which there is nothing, and the predicted IoU."""

    region: Region
    logits: npt.NDArray[np.float32]
    score: float


def stability(logits: npt.NDArray[np.float32]) -> float:
    """How little a mask changes between a surer and a less sure cut, 0 to 1 (Kirillov et al. 2023, appendix B)."""
    sure, possible = (int(np.count_nonzero(logits > cut)) for cut in (_STABLE_LOGIT, -_STABLE_LOGIT))
    return sure / max(1, possible)


def on_edges(drawn: DrawnMask, image: RgbImage) -> DrawnMask:
    """The mask finer than its cells, with its edge on those of the region's image uint8[S, S, 3]: logits [S, S]."""
    fine = cv2.resize(drawn.logits, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    followed = follow_colours((1 / (1 + np.exp(-fine))).astype(np.float32), image).clip(_LEAST_SURE, 1 - _LEAST_SURE)
    return replace(drawn, logits=np.log(followed / (1 - followed)).astype(np.float32))


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
    # Of 12 megapixels each pass takes 10 ms: none is made over more than the region, and none makes another array.
    fine = cv2.resize(drawn.logits, (columns, rows), interpolation=cv2.INTER_LINEAR)
    np.negative(fine, out=fine)
    np.exp(fine, out=fine)
    fine += 1
    np.reciprocal(fine, out=fine)
    probability = np.zeros((encoded.height, encoded.width), np.float32)
    probability[region.rows, region.columns] = fine
    inside: BoolMask = fine >= 0.5
    if len(prompt.points) < 2 and not inside.any():
        return None
    bound = obey_clicks(probability, positive=prompt.positive, negative=prompt.negative)
    if bound is probability:
        mask = np.zeros(probability.shape, bool)
        mask[region.rows, region.columns] = inside
        within = (region.left, region.top, region.right, region.bottom)
    else:
        mask, within = bound >= 0.5, None
    if not (inside.any() if within is not None else mask.any()):
        return None
    return Candidate(mask=mask, probability=bound, score=min(1.0, max(0.0, drawn.score)), within=within)


def distinct(drawn: Sequence[DrawnMask], *, most: int, same: float) -> list[DrawnMask]:
    """Up to `most` by their score that overlap none before them by more than `same`; compared coarsely."""
    around = enclosing([each.region for each in drawn])
    chosen: list[tuple[DrawnMask, BoolMask]] = []
    for each in sorted(drawn, key=lambda each: -each.score):
        coarse = redrawn(each.logits, each.region, around, side=_COMPARED_SIDE, outside=-_SURE_LOGIT) > 0
        if coarse.any() and len(chosen) < most and all(overlap(coarse, known) <= same for _, known in chosen):
            chosen.append((each, coarse))
    return [each for each, _ in chosen]
