"""Objects that nobody has pointed at, the likeliest to sound first, one by one while the rest is still being found.

A segmenter says where something stands out, a recogniser what it is. Together they put a dog before a cushion; without
a recogniser the segmenter's own order stays. Free of torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.proposals import LEAST_SHARE
from sounddesk.engine.segmenters.proposals import MOST_SHARE
from sounddesk.engine.segmenters.proposals import same_object
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask

# How many wait to be ordered before the best of them is given; the first is not kept waiting.
_LOOKAHEAD: Final = 4
# Suggestions that overlap more (IoU) are the same. A part of another one may be what is meant: with the stricter rule
# for what is taken already, a thing is lost to the group that it stands in (decision 108).
_SAME: Final = 0.7
# Weight of what something is recognised as beside how much it stands out.
_RECOGNISED: Final = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Suggestion:
    """An object that may sound.

    Attributes:
        candidate: its mask.
        recognised: what it may be; None without a recogniser.
        score: how likely it is an object that sounds, 0 to 1; only the order means something.
    """

    candidate: Candidate
    recognised: RecognisedObject | None
    score: float


def suggest_objects(
    encoded: EncodedImage,
    *,
    segmenter: ProposesObjects,
    recogniser: RecognisesObjects | None = None,
    taken: Sequence[BoolMask] = (),
    limit: int = 10,
    cancel: CancelToken | None = None,
) -> Iterator[Suggestion]:
    """Suggestions as they are found, at most `limit`, none twice and none of what is taken.

    Args:
        encoded: by the segmenter.
        taken: bool[H, W] each, what is selected already.
        cancel: stops the search, within the step in hand.

    Raises:
        ValueError: `limit` is below 1.
        Cancelled: through `cancel`.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}: ask for at least 1 object")
    taken = [mask for mask in taken if mask.any()]
    known: list[BoolMask] = []
    waiting: list[Suggestion] = []
    given = 0
    for candidate in segmenter.propose(encoded, cancel=cancel):
        if cancel is not None:
            cancel.raise_if_cancelled()
        share = np.count_nonzero(candidate.mask) / candidate.mask.size
        if not LEAST_SHARE <= share <= MOST_SHARE or any(same_object(candidate.mask, mask) for mask in taken):
            continue
        if any(overlap(candidate.mask, mask) > _SAME for mask in known):
            continue
        known.append(candidate.mask)
        recognised = None if recogniser is None else recogniser.recognise(encoded.image, candidate.mask)
        waiting.append(
            Suggestion(candidate=candidate, recognised=recognised, score=sounding_score(candidate, recognised))
        )
        if len(waiting) > (_LOOKAHEAD if given else 0):
            yield _best_of(waiting)
            given += 1
            # Not after the next one, which takes the segmenter a tenth of a second.
            if given == limit:
                return
    while waiting and given < limit:
        yield _best_of(waiting)
        given += 1


def sounding_score(candidate: Candidate, recognised: RecognisedObject | None) -> float:
    """How likely a candidate is an object that sounds: how much it stands out, and how surely it is a known thing."""
    if recognised is None or not recognised.guesses:
        return candidate.score
    return (1 - _RECOGNISED) * candidate.score + _RECOGNISED * recognised.guesses[0].confidence


def _best_of(waiting: list[Suggestion]) -> Suggestion:
    """The one with the highest score, taken out; of equal ones the first."""
    best = max(waiting, key=lambda each: each.score)
    waiting.remove(best)
    return best
