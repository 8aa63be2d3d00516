"""Which suggestions come, in which order, and that they come one by one."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pytest

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.suggestions import suggest_objects
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

IMAGE = np.zeros((60, 80, 3), np.uint8)


def candidate(left: int, top: int, *, size: int = 12, score: float = 0.5) -> Candidate:
    probability = np.zeros(IMAGE.shape[:2], np.float32)
    probability[top : top + size, left : left + size] = 1
    return Candidate(mask=probability > 0.5, probability=probability, score=score)


class Given:
    """Proposes what it was given, and counts what was asked for."""

    name = "given"

    def __init__(self, found: Sequence[Candidate]) -> None:
        self.found = found
        self.handed_out = 0

    def encode(self, image: RgbImage) -> EncodedImage:
        return EncodedImage(image=image, sha256="", segmenter=self.name, features=None)

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> Iterator[Candidate]:
        del encoded, cancel
        for each in self.found:
            self.handed_out += 1
            yield each


class ByPlace:
    """Knows things by the column where they begin."""

    def __init__(self, confidences: dict[int, float]) -> None:
        self.confidences = confidences

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        del image
        left = int(np.flatnonzero(mask.any(axis=0))[0])
        guess = NameGuess(name=f"thing {left}", prompt="", confidence=self.confidences.get(left, 0.0))
        return RecognisedObject(guesses=(guess,), least_confidence=0.5)


def lefts(proposer: Given, **options: object) -> list[int]:
    encoded = proposer.encode(IMAGE)
    found = suggest_objects(encoded, segmenter=proposer, **options)  # type: ignore[arg-type]
    return [int(np.flatnonzero(each.candidate.mask.any(axis=0))[0]) for each in found]


def test_what_is_recognised_goes_before_what_stands_out_as_much() -> None:
    proposer = Given([candidate(0, 0), candidate(20, 0), candidate(40, 0)])
    assert lefts(proposer, recogniser=ByPlace({40: 0.9})) == [0, 40, 20]
    assert lefts(proposer) == [0, 20, 40]


def test_nothing_comes_twice_and_nothing_that_is_taken_or_has_no_sensible_size() -> None:
    speck, whole = candidate(70, 50, size=2), candidate(0, 0, size=60)
    proposer = Given([speck, whole, candidate(0, 0), candidate(1, 1), candidate(20, 0), candidate(40, 0)])
    assert lefts(proposer, taken=[candidate(20, 1).mask, np.zeros(IMAGE.shape[:2], np.bool_)]) == [0, 40]


def test_a_part_of_another_suggestion_comes_and_a_part_of_what_is_taken_does_not() -> None:
    group, part, other = candidate(0, 0, size=30), candidate(5, 5), candidate(50, 5)
    assert lefts(Given([group, part, other])) == [0, 5, 50]
    assert lefts(Given([part, other]), taken=[group.mask]) == [50]


def test_the_first_comes_before_the_rest_is_found() -> None:
    proposer = Given([candidate(12 * index, 0, size=10) for index in range(6)])
    found = suggest_objects(proposer.encode(IMAGE), segmenter=proposer)
    next(found)
    assert proposer.handed_out == 1


def test_no_more_come_than_were_asked_for() -> None:
    proposer = Given([candidate(12 * index, 0, size=10) for index in range(6)])
    assert len(lefts(proposer, limit=3)) == 3
    proposer.handed_out = 0
    assert lefts(proposer, limit=1) == [0]
    assert proposer.handed_out == 1
    with pytest.raises(ValueError, match="limit is 0"):
        lefts(proposer, limit=0)


def test_a_search_that_is_stopped_gives_nothing_more() -> None:
    cancel = CancelToken()
    proposer = Given([candidate(12 * index, 0, size=10) for index in range(6)])
    found = suggest_objects(proposer.encode(IMAGE), segmenter=proposer, cancel=cancel)
    next(found)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(found)
    assert proposer.handed_out == 2
