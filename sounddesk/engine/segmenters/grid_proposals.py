"""Objects without a prompt, for a segmenter that only answers prompts: a click at every point of a grid.

After Kirillov et al., 'Segment Anything', 2023, section 5 and appendix B: of all answers those stay that the segmenter
is sure of, whose outline is stable, and that no better one covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.proposals import LEAST_SHARE
from sounddesk.engine.segmenters.proposals import MOST_SHARE
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

# The grid's answers are compared at this size: hundreds of masks at 12 megapixels would take gigabytes.
GRID_IMAGE_PX: Final = 512
# Of an image too large for alternatives, so few full masks are made.
_MOST_OF_A_HUGE_IMAGE: Final = 3
# Probabilities one logit below and above the threshold of one half.
_LOOSE: Final = 0.269
_STRICT: Final = 0.731


@dataclass(frozen=True, kw_only=True)
class GridSettings:
    """Which of the grid's answers count.

    Attributes:
        points_per_side: of the grid; 16 in place of the authors' 32, a quarter of the time, since only a handful of
            large objects is wanted.
        min_score: answers with a lower predicted IoU are dropped; SAM 2's own default.
        min_stability: least IoU of the mask's cores at a threshold one logit above and below.
        max_overlap: of two answers that overlap more (IoU), the better one stays.
        limit: how many stay at most.
    """

    points_per_side: int = 16
    min_score: float = 0.8
    min_stability: float = 0.95
    max_overlap: float = 0.7
    limit: int = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class _Answer:
    point: Point
    mask: BoolMask
    score: float


class GridProposer:
    """`ProposesObjects` for any segmenter that answers clicks."""

    def __init__(self, segmenter: Segmenter, settings: GridSettings | None = None) -> None:
        self._segmenter = segmenter
        self._settings = settings or GridSettings()

    @property
    def name(self) -> str:
        return self._segmenter.name

    def encode(self, image: RgbImage) -> EncodedImage:
        return self._segmenter.encode(image)

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> tuple[Candidate, ...]:
        """Every object found, best first. Raises: Cancelled."""
        small = self._segmenter.encode(grid_image(encoded.image))
        return propose_by_grid(self._segmenter, encoded, small=small, settings=self._settings, cancel=cancel)


def grid_image(image: RgbImage) -> RgbImage:
    """The image at the size at which a grid's answers are compared."""
    height, width = image.shape[:2]
    scale = min(1.0, GRID_IMAGE_PX / max(width, height))
    if scale == 1.0:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def propose_by_grid(
    segmenter: Segmenter,
    encoded: EncodedImage,
    *,
    small: EncodedImage,
    settings: GridSettings,
    cancel: CancelToken | None = None,
) -> tuple[Candidate, ...]:
    """Objects that clicks on a grid find, best first, none twice.

    Args:
        segmenter: answers the clicks.
        encoded: the image; the answer has its size.
        small: the same image at the size of `grid_image`.
        cancel: asked before each click.

    Raises:
        Cancelled: through `cancel`.
    """
    limit = settings.limit if keeps_alternatives(encoded) else min(settings.limit, _MOST_OF_A_HUGE_IMAGE)
    chosen: list[_Answer] = []
    for answer in sorted(_answers(segmenter, small, settings, cancel), key=lambda each: -each.score):
        if len(chosen) == limit:
            break
        if all(overlap(answer.mask, better.mask) <= settings.max_overlap for better in chosen):
            chosen.append(answer)
    scale = (encoded.width / small.width, encoded.height / small.height)
    found = []
    for answer in chosen:
        if cancel is not None:
            cancel.raise_if_cancelled()
        candidate = _at_full_size(segmenter, encoded, answer, scale=scale)
        if candidate is not None:
            found.append(candidate)
    return tuple(found)


def _answers(
    segmenter: Segmenter, small: EncodedImage, settings: GridSettings, cancel: CancelToken | None
) -> list[_Answer]:
    """What the clicks lead to, without specks, the whole scene, unsure and unstable masks."""
    found = []
    for point in _grid(small, per_side=settings.points_per_side):
        if cancel is not None:
            cancel.raise_if_cancelled()
        for candidate in _ask(segmenter, small, point):
            share = np.count_nonzero(candidate.mask) / candidate.mask.size
            if (
                LEAST_SHARE <= share <= MOST_SHARE
                and candidate.score >= settings.min_score
                and stability(candidate.probability) >= settings.min_stability
            ):
                found.append(_Answer(point=point, mask=candidate.mask, score=candidate.score))
    return found


def _ask(segmenter: Segmenter, encoded: EncodedImage, point: Point) -> tuple[Candidate, ...]:
    try:
        return segmenter.predict(encoded, Prompt.click(*point))
    except EmptySelectionError:
        return ()


def _grid(encoded: EncodedImage, *, per_side: int) -> list[Point]:
    steps = (np.arange(per_side) + 0.5) / per_side
    return [(float(x) * encoded.width, float(y) * encoded.height) for y in steps for x in steps]


def stability(probability: FloatMask) -> float:
    """How little a mask changes with its threshold, 0 to 1; 0 where nothing is probable."""
    loose = np.count_nonzero(probability >= _LOOSE)
    return float(np.count_nonzero(probability >= _STRICT) / loose) if loose else 0.0


def _at_full_size(
    segmenter: Segmenter, encoded: EncodedImage, answer: _Answer, *, scale: tuple[float, float]
) -> Candidate | None:
    """The answer asked for again at image size; of several candidates the one that is most alike."""
    height, width = answer.mask.shape
    alike: list[tuple[float, Candidate]] = []
    for candidate in _ask(segmenter, encoded, (answer.point[0] * scale[0], answer.point[1] * scale[1])):
        shrunk = cv2.resize(candidate.mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
        alike.append((overlap(shrunk, answer.mask), candidate))
    return max(alike, key=lambda pair: pair[0])[1] if alike else None
