"""Objects of an image that nobody has pointed at, for `--auto` and as suggestions; free of torch.

Each segmenter finds them in its own way (SAM by its automatic mask generator, SAM 2 by a grid of clicks, GrabCut by a
grid of discs);
what is common is which of them are worth a sound: neither specks nor the whole scene, and no object twice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

# Shares of the image's area. An object below covers less than a quarter of one patch of the 7 x 7 grid.
LEAST_SHARE: Final = 0.005
MOST_SHARE: Final = 0.6
# Two masks are one object where they overlap more (IoU), or where one lies in the other by more.
_SAME_IOU: Final = 0.4
_SAME_CONTAINED: Final = 0.7


def propose_objects(
    image: RgbImage, *, segmenter: ProposesObjects, limit: int = 5, cancel: CancelToken | None = None
) -> list[Candidate]:
    """The objects that stand out, best first.

    Args:
        image: sRGB uint8[H, W, 3].
        segmenter: one that can propose: `SegmenterChoice.proposer`.
        limit: how many at most.
        cancel: stops the search.

    Raises:
        EmptySelectionError: nothing stands out.
        ValueError: `limit` is below 1.
        Cancelled: through `cancel`.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}: ask for at least 1 object")
    chosen = choose_distinct(list(segmenter.propose(segmenter.encode(image), cancel=cancel)), limit=limit)
    if not chosen:
        raise EmptySelectionError("no object stands out in this image: click on one, draw a box or paint a mask")
    return chosen


def choose_distinct(found: list[Candidate], *, limit: int) -> list[Candidate]:
    """The first `limit` candidates of sensible size that are not the same object as one before them."""
    chosen: list[Candidate] = []
    for candidate in found:
        if len(chosen) == limit:
            break
        share = np.count_nonzero(candidate.mask) / candidate.mask.size
        if LEAST_SHARE <= share <= MOST_SHARE and not any(same_object(candidate.mask, c.mask) for c in chosen):
            chosen.append(candidate)
    return chosen


def same_object(one: BoolMask, other: BoolMask) -> bool:
    """Whether two masks of one size, neither empty, cover one object, or one covers a part of the other."""
    common = int(np.count_nonzero(one & other))
    area_one, area_other = int(np.count_nonzero(one)), int(np.count_nonzero(other))
    contained = common / min(area_one, area_other)
    return common / (area_one + area_other - common) > _SAME_IOU or contained > _SAME_CONTAINED
