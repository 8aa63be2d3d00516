"""What every registered segmenter must do, whatever it is made of; run on real classes at tiny size."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.segmenters.choice import proposer_for
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.tasks import CancelToken
from tests.engine.segmenters.plain_scene import HEIGHT
from tests.engine.segmenters.plain_scene import WIDTH
from tests.engine.segmenters.plain_scene import scene

Check = Callable[[SegmenterEntry, Segmenter], None]

IMAGE = scene()[0]
ON_BALL = (90.0, 100.0)
# Ball and bar together.
REFINED = Prompt(points=(ON_BALL, (245.0, 100.0), (30.0, 30.0)), labels=(True, True, False))
BOX = Prompt(box=(55.0, 55.0, 145.0, 145.0))
HINT = Prompt(mask_hint=scene()[1])
# As many images as any cache of ours keeps, and one more.
_MORE_IMAGES = 8


def check_encode(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    encoded = segmenter.encode(IMAGE)
    assert (encoded.width, encoded.height) == (WIDTH, HEIGHT)
    assert encoded.segmenter == segmenter.name
    assert np.array_equal(encoded.image, IMAGE)
    with pytest.raises(ValueError, match="uint8"):
        segmenter.encode(IMAGE.astype(np.float32))


def check_click(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    assert entry.capabilities.clicks
    found = segmenter.predict(segmenter.encode(IMAGE), Prompt.click(*ON_BALL))
    assert 1 <= len(found) <= 3
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        assert_valid(each)


def check_refine(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    encoded = segmenter.encode(IMAGE)
    (refined,) = segmenter.predict(encoded, REFINED)
    assert_valid(refined)
    first = segmenter.predict(encoded, Prompt.click(*ON_BALL))[0]
    assert not np.array_equal(refined.probability, first.probability), "further clicks say nothing"


def check_box(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    _check_kind(segmenter, BOX, answered=entry.capabilities.boxes)


def check_mask_hint(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    _check_kind(segmenter, HINT, answered=entry.capabilities.mask_hint)


def _check_kind(segmenter: Segmenter, prompt: Prompt, *, answered: bool) -> None:
    encoded = segmenter.encode(IMAGE)
    if not answered:
        with pytest.raises(PromptError):
            segmenter.predict(encoded, prompt)
        return
    (found,) = segmenter.predict(encoded, prompt)
    assert_valid(found)


def check_same_prompt_same_answer(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    first = segmenter.predict(segmenter.encode(IMAGE), REFINED)
    segmenter.predict(segmenter.encode(IMAGE[:, ::-1].copy()), REFINED)
    again = segmenter.predict(segmenter.encode(IMAGE.copy()), REFINED)
    assert [each.score for each in first] == [each.score for each in again]
    assert all(np.array_equal(a.probability, b.probability) for a, b in zip(first, again, strict=True))


def check_propose(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    assert hasattr(segmenter, "propose") == entry.capabilities.proposes
    proposer = proposer_for(entry, segmenter)
    assert proposer.name == segmenter.name
    found = list(proposer.propose(proposer.encode(IMAGE)))
    # The starter's tiny network has random weights and joins everything: its own tests look at what it proposes.
    assert found or entry.name == "starter", "nothing is proposed: let its tiny test network be less strict"
    for each in found:
        assert_valid(each)


def check_cancel(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    cancel = CancelToken()
    proposer = proposer_for(entry, segmenter)
    encoded = proposer.encode(IMAGE)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(proposer.propose(encoded, cancel=cancel))


def check_errors(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    encoded = segmenter.encode(IMAGE)
    for prompt, message in (
        (Prompt(), "nothing is selected"),
        (Prompt.click(WIDTH + 1.0, 5), f"outside the image of {WIDTH} x {HEIGHT} px"),
        (Prompt.click(float("nan"), 5), "outside"),
        (Prompt(points=(ON_BALL,), labels=(False,)), "nothing is selected"),
    ):
        with pytest.raises(PromptError, match=message):
            segmenter.predict(encoded, prompt)
    foreign = EncodedImage(image=IMAGE, sha256=encoded.sha256, segmenter="another one", features=encoded.features)
    with pytest.raises(ValueError, match="encoded by 'another one'"):
        segmenter.predict(foreign, Prompt.click(*ON_BALL))


def check_bounded_cache(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    first = weakref.ref(segmenter.encode(IMAGE))
    for shift in range(1, _MORE_IMAGES):
        segmenter.encode(np.roll(IMAGE, shift, axis=1))
    gc.collect()
    assert first() is None, "every image that was ever encoded is kept"


def check_rounding(entry: SegmenterEntry, segmenter: Segmenter) -> None:
    for each in segmenter.predict(segmenter.encode(IMAGE), Prompt.click(*ON_BALL)):
        assert np.array_equal(quantise_probability(each.probability) >= 128, each.mask)


CHECKS: dict[str, Check] = {
    name.removeprefix("check_"): check for name, check in sorted(globals().items()) if name.startswith("check_")
}


def assert_valid(candidate: Candidate) -> None:
    assert candidate.mask.shape == candidate.probability.shape == (HEIGHT, WIDTH)
    assert candidate.mask.dtype == np.bool_
    assert candidate.probability.dtype == np.float32
    assert 0.0 <= candidate.probability.min() and candidate.probability.max() <= 1.0
    assert candidate.mask.any()
    assert np.array_equal(candidate.mask, candidate.probability >= 0.5)
    assert 0.0 <= candidate.score <= 1.0
    if candidate.within is not None:
        left, top, right, bottom = candidate.within
        outside = candidate.probability.copy()
        outside[top:bottom, left:right] = 0
        assert not outside.any(), "there is something where there is said to be nothing"
