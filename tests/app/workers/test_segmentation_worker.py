"""Clicks to masks on a thread of their own, with the segmenter that ships."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sounddesk.app.project.document import Document
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.segmentation_worker import choose_default_segmenter
from sounddesk.domain.mask import Box
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.choice import SegmenterChoice
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.types import FloatMask
from tests.app.conftest import wait_until


@pytest.fixture
def segment(qapp: object) -> Iterator[SegmentationWorker]:
    worker = SegmentationWorker()
    yield worker
    worker.close()


def test_a_click_gives_the_mask_of_what_was_clicked(still: Document, segment: SegmentationWorker) -> None:
    answers, notices = [], []
    segment.predicted.connect(lambda job, candidates: answers.append((job, candidates)))
    segment.notice.connect(notices.append)
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    job = segment.predict(Prompt.click(20, 30))
    wait_until(lambda: bool(answers))
    assert answers[0][0] == job
    wanted = still.project.object("o1").mask.to_bool()
    found = answers[0][1][0].pixels
    assert np.array_equal(answers[0][1][0].mask.to_bool(), found)
    assert (found & wanted).sum() / (found | wanted).sum() > 0.8
    assert "starter segmenter" in notices[0]


def test_a_mask_is_kept_soft_at_its_edge_alone() -> None:
    """Thousandths all over the image made every tile of it one that has to be unpacked."""

    def kept(probability: FloatMask, within: tuple[int, int, int, int] | None = None) -> TiledMask:
        candidate = Candidate(mask=probability >= 0.5, probability=probability, score=1.0, within=within)
        return FoundMask(candidate=candidate).mask

    logits = np.full((512, 768), -5.0, np.float32)
    logits[100:200, 100:200] = 5.0
    logits[200, 100:200] = 0.5
    probability = 1 / (1 + np.exp(-logits))
    mask = kept(probability)
    assert np.array_equal(mask.to_bool(), probability >= 0.5)
    assert mask.to_array()[200, 150] == round(float(probability[200, 150]) * 255)
    assert sum(len(tile) > 1 for tile in mask.tiles) == 1
    assert np.array_equal(kept(np.ones((4, 4), np.float32)).to_array(), np.full((4, 4), 255))
    assert kept(np.zeros((4, 4), np.float32)) == TiledMask.empty(width=4, height=4)
    # Where the segmenter says that there is nothing outside of a part, only that is looked at: with the same result.
    probability[:, :90] = 0
    assert kept(probability, (90, 0, 768, 512)) == kept(probability)
    assert kept(probability, (90, 0, 768, 150)).bounding_box == Box(left=100, top=100, right=200, bottom=150)


def test_a_click_without_an_image_or_outside_it_is_answered_with_the_remedy(
    still: Document, segment: SegmentationWorker
) -> None:
    failures = []
    segment.failed.connect(lambda job, error: failures.append((job, str(error))))
    first = segment.predict(Prompt.click(20, 30))
    wait_until(lambda: bool(failures))
    assert failures[-1] == (first, "there is no image yet: open one first")
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    second = segment.predict(Prompt.click(2000, 30))
    wait_until(lambda: len(failures) == 2)
    assert failures[-1][0] == second
    assert "outside the image of 96 x 64" in failures[-1][1]


def test_of_several_candidates_the_one_shown_is_made_first(still: Document, segment: SegmentationWorker) -> None:
    """The others kept a click waiting twice as long."""
    made = []

    def on_answer(_job: int, found: tuple[FoundMask, ...]) -> None:
        made.append([(each.scale, "mask" in vars(each), "change" in vars(each)) for each in found])
        answers.append(found)

    answers: list[tuple[FoundMask, ...]] = []
    segment.predicted.connect(on_answer)
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    segment.predict(Prompt.click(20, 30))
    wait_until(lambda: len(answers) == 1)
    assert len(made[0]) > 1
    assert made[0] == [(scale, index == 0, False) for index, (scale, _, _) in enumerate(made[0])]
    # Then the others, as one of them may be chosen.
    wait_until(lambda: all("mask" in vars(each) for each in answers[0]))
    assert all(np.array_equal(each.mask.to_bool(), each.pixels) for each in answers[0])
    other = made[0][1][0]
    segment.predict(Prompt.click(20, 30), scale=other)
    wait_until(lambda: len(answers) == 2)
    assert [scale for scale, packed, _ in made[1] if packed] == [other]
    segment.preview(Prompt.click(20, 30), scale=other)
    wait_until(lambda: len(answers) == 3)
    assert [scale for scale, _, shown in made[2] if shown] == [other]


def test_only_the_newest_of_many_previews_is_computed(still: Document, segment: SegmentationWorker) -> None:
    answers, dropped = [], []
    segment.predicted.connect(lambda job, found: answers.append((job, found)))
    segment.failed.connect(lambda job, error: dropped.append((job, error)))
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    jobs = [segment.preview(Prompt.click(20 + i, 30)) for i in range(10)]
    wait_until(lambda: bool(answers) and answers[-1][0] == jobs[-1])
    wait_until(lambda: len(answers) + len(dropped) == 10)
    assert len(answers) <= 2
    assert all(error is None for _, error in dropped)
    shown = answers[-1][1][0]
    assert "mask" not in vars(shown), "a preview is only looked at"
    assert shown.change is not None
    assert shown.change.box.left <= 29 <= shown.change.box.right


def test_clicks_are_answered_in_their_order_and_one_that_holds_another_replaces_it(
    still: Document, segment: SegmentationWorker
) -> None:
    answers, dropped = [], []
    segment.predicted.connect(lambda job, _found: answers.append(job))
    segment.failed.connect(lambda job, error: dropped.append((job, error)))
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    preview = segment.preview(Prompt.click(10, 10))
    first = segment.predict(Prompt.click(20, 30))
    second = segment.predict(Prompt.click(60, 30))
    third = segment.predict(Prompt(points=((60, 30), (62, 30)), labels=(True, True)), replaces=second)
    wait_until(lambda: third in answers)
    assert answers == [first, third]
    assert sorted(dropped) == [(preview, None), (second, None)]


def test_it_says_from_when_to_when_the_image_is_encoded(still: Document, segment: SegmentationWorker) -> None:
    said = []
    segment.preparing.connect(said.append)
    info = still.project.image
    assert info is not None
    segment.set_image(info.sha256, still.image, after_painting=True)
    assert said == [True]
    assert segment.is_preparing
    wait_until(lambda: not segment.is_preparing)
    assert said == [True, False]
    segment.set_image(None, None)
    assert said == [True, False]


def test_answers_for_another_image_are_not_given(still: Document, segment: SegmentationWorker) -> None:
    answers, ended = [], []
    segment.predicted.connect(lambda job, _found: answers.append(job))
    segment.handed_out.connect(lambda job, _choice, _encoded: answers.append(job))
    segment.failed.connect(lambda job, error: ended.append((job, error)))
    info = still.project.image
    assert info is not None
    segment.set_image(info.sha256, still.image)
    first, second = segment.predict(Prompt.click(20, 30)), segment.hand_out()
    segment.set_image(info.sha256, still.image)
    third = segment.predict(Prompt.click(20, 30))
    wait_until(lambda: bool(answers))
    assert answers == [third]
    assert sorted(ended) == [(first, None), (second, None)]


def test_a_segmenter_that_cannot_be_had_is_said_and_the_next_one_works(
    still: Document, segment: SegmentationWorker
) -> None:
    def broken() -> object:
        raise ValueError("no checkpoint at this place: choose another one")

    failures, answers = [], []
    segment.failed.connect(lambda job, error: failures.append((job, str(error))))
    segment.predicted.connect(lambda job, _found: answers.append(job))
    info = still.project.image
    assert info is not None
    segment.set_segmenter(broken)  # type: ignore[arg-type]
    segment.set_image(info.sha256, still.image)
    wait_until(lambda: bool(failures))
    assert failures == [(-1, "no checkpoint at this place: choose another one")]
    segment.set_segmenter(choose_default_segmenter)
    job = segment.predict(Prompt.click(20, 30))
    wait_until(lambda: bool(answers))
    assert answers == [job]


def test_a_segmenter_that_was_warmed_up_is_the_one_that_answers(still: Document, segment: SegmentationWorker) -> None:
    chosen, answers = [], []

    def choose() -> SegmenterChoice:
        chosen.append(choose_default_segmenter())
        return chosen[-1]

    segment.predicted.connect(lambda job, _found: answers.append(job))
    segment.set_segmenter(choose)
    segment.warm_up()
    wait_until(lambda: bool(chosen))
    info = still.project.image
    assert info is not None
    segment.set_image(info.sha256, still.image)
    job = segment.predict(Prompt.click(20, 30))
    wait_until(lambda: answers == [job])
    segment.warm_up()
    assert len(chosen) == 1


def test_nobody_is_told_of_a_warming_up_that_failed(still: Document, segment: SegmentationWorker) -> None:
    tries, failures = [], []

    def broken() -> SegmenterChoice:
        tries.append(True)
        raise ValueError("no checkpoint at this place: choose another one")

    segment.failed.connect(lambda job, text: failures.append((job, str(text))))
    segment.set_segmenter(broken)
    segment.warm_up()
    wait_until(lambda: bool(tries))
    info = still.project.image
    assert info is not None
    segment.set_image(info.sha256, still.image)
    wait_until(lambda: bool(failures))
    assert failures == [(-1, "no checkpoint at this place: choose another one")]
