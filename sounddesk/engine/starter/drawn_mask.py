"""From what the refiner drew in a region to a mask of the whole image that obeys the clicks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.segmenters.click_constraints import are_obeyed
from sounddesk.engine.segmenters.click_constraints import disc_radius_px
from sounddesk.engine.segmenters.click_constraints import obey_clicks
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.soft_edge import LEAST_SURE
from sounddesk.engine.segmenters.soft_edge import SoftMask
from sounddesk.engine.starter.guided_filter import ColourGuide
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import enclosing
from sounddesk.engine.starter.region import redrawn
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask

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
# Of half a step of 255, which is rounded to nothing.
_FAINT_LOGIT: Final = float(np.log(0.5 / 254.5))
# Of the probabilities between which the edge of a soft mask lies.
_EDGE_LOGIT: Final = float(np.log(1 / LEAST_SURE - 1))
_STRIP_ROWS: Final = 64
# Logits nearer to 0 have a probability of 0.5 in float32.
_LEAST_DISTANCE: Final = 4e-7
# A logit so far from 0 stays on its side, however it is enlarged.
_BEYOND_ROUNDING: Final = 1e-3


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


def on_edges(drawn: DrawnMask, guide: ColourGuide) -> DrawnMask:
    """The mask finer than its cells, with its edge on those of the region's image [S, S]: logits [S, S]."""
    fine = cv2.resize(drawn.logits, guide.size[::-1], interpolation=cv2.INTER_LINEAR)
    followed = guide.follow((1 / (1 + np.exp(-fine))).astype(np.float32)).clip(_LEAST_SURE, 1 - _LEAST_SURE)
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


class DrawnCandidate(Candidate):
    """A candidate that is as it was drawn, so that only what is asked for is made at the image's size.

    A preview never asks for the probability, a mask that is kept needs it at its edge alone, and of the ways in which
    a click can be meant most are never looked at.
    """

    def __init__(self, *, drawn: DrawnMask, score: float, within: tuple[int, int, int, int]) -> None:
        for name, value in (("score", score), ("within", within), ("_drawn", drawn)):
            object.__setattr__(self, name, value)

    @property
    def size(self) -> tuple[int, int]:
        return self._of.region.height, self._of.region.width

    @cached_property
    def mask(self) -> BoolMask:  # type: ignore[override]
        region = self._of.region
        mask = np.zeros(self.size, bool)
        fill_mask(self._of.logits, mask[region.rows, region.columns])
        return mask

    @cached_property
    def probability(self) -> FloatMask:  # type: ignore[override]
        return _probability(self._of)

    @property
    def area_px(self) -> int:
        """By the cells of the mask, so that it need not be drawn to be told from others by its size."""
        logits, (rows, columns) = self._of.logits, self._of.region.size
        return round(np.count_nonzero(logits >= 0) / logits.size * rows * columns)

    def soft_mask(self) -> SoftMask | None:
        drawn = self._of
        pixels = np.zeros(drawn.region.size, np.uint8)
        fill_soft_mask(drawn.logits, pixels)
        return SoftMask(left=drawn.region.left, top=drawn.region.top, pixels=pixels)

    @property
    def _of(self) -> DrawnMask:
        drawn: DrawnMask = self.__dict__["_drawn"]
        return drawn


def candidate_of(encoded: EncodedImage, drawn: DrawnMask, prompt: FittedPrompt) -> Candidate | None:
    """One mask at image size that obeys the clicks; None where nothing was found at a single one."""
    longer_side = max(encoded.height, encoded.width)
    # A click on the region's border has a disc that reaches out of it.
    around = drawn.region.widened(math.ceil(disc_radius_px(longer_side)) + 1)
    within = around.left, around.top, around.right, around.bottom
    found = DrawnCandidate(drawn=drawn, score=min(1.0, max(0.0, drawn.score)), within=within)
    if prompt.positive and surely_obeys(drawn, prompt):
        return found
    inside = found.mask[around.rows, around.columns]
    if len(prompt.points) < 2 and not inside.any():
        return None
    positive = [(x - around.left, y - around.top) for x, y in prompt.positive]
    negative = [(x - around.left, y - around.top) for x, y in prompt.negative]
    if are_obeyed(inside, positive=positive, negative=negative):
        return found if inside.any() else None
    probability = found.probability
    part = probability[around.rows, around.columns]
    part[:] = obey_clicks(part, positive=positive, negative=negative, longer_side=longer_side)
    mask = found.mask
    np.greater_equal(part, 0.5, out=inside)
    return Candidate(mask=mask, probability=probability, score=found.score, within=within) if inside.any() else None


def surely_obeys(drawn: DrawnMask, prompt: FittedPrompt) -> bool:
    """Whether a mask obeys the clicks beyond all rounding, told without drawing it; where not, it has to be drawn."""
    region, side = drawn.region, len(drawn.logits)
    rows, columns = region.size
    for clicks, sign in ((prompt.positive, 1), (prompt.negative, -1)):
        for x, y in clicks:
            # The pixel's middle in cells, and the four cells around it.
            across = (math.floor(x) + 0.5 - region.left) / columns * side
            down = (math.floor(y) + 0.5 - region.top) / rows * side
            if not (0 <= across < side and 0 <= down < side):
                if sign > 0:
                    return False
                continue
            left, above = math.floor(across - 0.5), math.floor(down - 0.5)
            near = drawn.logits[max(0, above) : above + 2, max(0, left) : left + 2]
            if float((sign * near).min()) < _BEYOND_ROUNDING:
                return False
    return True


def _probability(drawn: DrawnMask) -> FloatMask:
    """At image size, whatever was clicked."""
    region = drawn.region
    probability = np.zeros((region.height, region.width), np.float32)
    fill_probability(drawn.logits, probability[region.rows, region.columns])
    return probability


def fill_mask(logits: npt.NDArray[np.float32], out: BoolMask) -> None:
    """Set where logits float32[S, S], enlarged bilinearly, are 0 or more in False bool[H, W]."""
    for part, strip in _strips(logits, size=out.shape, least=0.0):
        np.greater_equal(strip, 0, out=out[part])


def fill_probability(logits: npt.NDArray[np.float32], out: FloatMask) -> None:
    """Draw logits float32[S, S], enlarged bilinearly, as probabilities into zeros float32[H, W].

    What is so faint that a mask of bytes would hold none of it stays 0; 0.5 and more is what `fill_mask` sets.
    """
    for part, strip in _strips(logits, size=out.shape, least=_FAINT_LOGIT):
        # Rounding takes what lies so little below 0 to 0.5.
        strip[(strip < 0) & (strip > -_LEAST_DISTANCE)] = -_LEAST_DISTANCE
        np.negative(strip, out=strip)
        np.exp(strip, out=strip)
        strip += 1
        np.reciprocal(strip, out=out[part])


def fill_soft_mask(logits: npt.NDArray[np.float32], out: npt.NDArray[np.uint8]) -> None:
    """Draw logits float32[S, S], enlarged bilinearly, into zeros uint8[H, W] as `soft_mask` makes it."""
    for part, strip in _strips(logits, size=out.shape, least=-_EDGE_LOGIT):
        band = out[part]
        np.multiply(strip > _EDGE_LOGIT, np.uint8(255), out=band)
        edge = np.abs(strip) <= _EDGE_LOGIT
        near = strip[edge]
        near[(near < 0) & (near > -_LEAST_DISTANCE)] = -_LEAST_DISTANCE
        band[edge] = quantise_probability(1 / (1 + np.exp(-near)))


def _strips(
    logits: npt.NDArray[np.float32], *, size: tuple[int, ...], least: float
) -> Iterator[tuple[tuple[slice, slice], npt.NDArray[np.float32]]]:
    """Bands of logits float32[S, S] enlarged bilinearly to some size, from the first to the last column over `least`.

    What is done with a band finds it in the processor's cache, and an array of zeros takes no time where it is never
    written to.
    """
    rows, columns = size
    cells = len(logits)
    across = np.asarray(cv2.resize(logits, (columns, cells), interpolation=cv2.INTER_LINEAR), np.float32)
    seen = across >= least
    down = (np.arange(rows) + 0.5) * (cells / rows) - 0.5
    above = np.floor(down).astype(int)
    share = (down - above).astype(np.float32)[:, None]
    upper, lower = np.clip(above, 0, cells - 1), np.clip(above + 1, 0, cells - 1)
    for start in range(0, rows, _STRIP_ROWS):
        band = slice(start, min(start + _STRIP_ROWS, rows))
        stretch = np.flatnonzero(seen[upper[band.start] : lower[band.stop - 1] + 1].any(axis=0))
        if len(stretch):
            part = slice(int(stretch[0]), int(stretch[-1]) + 1)
            strip, step = across[upper[band], part], across[lower[band], part]
            step -= strip
            step *= share[band]
            strip += step
            yield (band, part), strip


def distinct(drawn: Sequence[DrawnMask], *, most: int, same: float) -> list[DrawnMask]:
    """Up to `most` by their score that overlap none before them by more than `same`; compared coarsely."""
    around = enclosing([each.region for each in drawn])
    chosen: list[tuple[DrawnMask, BoolMask]] = []
    for each in sorted(drawn, key=lambda each: -each.score):
        coarse = redrawn(each.logits, each.region, around, side=_COMPARED_SIDE, outside=-_SURE_LOGIT) > 0
        if coarse.any() and len(chosen) < most and all(overlap(coarse, known) <= same for _, known in chosen):
            chosen.append((each, coarse))
    return [each for each, _ in chosen]
