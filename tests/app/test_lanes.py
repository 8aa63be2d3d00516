"""Segmenting and generating on their threads, with the real embedded segmenter and the real classes at tiny size."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from sounddesk.app.generation import Generation
from sounddesk.app.generation import generation_request
from sounddesk.app.project.document import Document
from sounddesk.app.workers.generation_queue import GenerateLane
from sounddesk.app.workers.segmentation_worker import SegmentLane
from sounddesk.app.workers.segmentation_worker import kept_mask
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.protocol import Prompt
from tests.app.conftest import wait_until


@pytest.fixture
def segment(qapp: object) -> Iterator[SegmentLane]:
    lane = SegmentLane()
    yield lane
    lane.close()


@pytest.fixture
def lane(qapp: object) -> Iterator[GenerateLane]:
    lane = GenerateLane()
    yield lane
    lane.close()


@pytest.fixture
def generation(still: Document, lane: GenerateLane, bundle_folder: Path) -> Generation:
    still.commit("Settings", still.project.with_settings(bundle=str(bundle_folder), seconds=1.0, steps=2))
    generation = Generation(still, lane)
    generation.device = "cpu"
    return generation


def test_a_click_gives_the_mask_of_what_was_clicked(still: Document, segment: SegmentLane) -> None:
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
    logits = np.full((512, 768), -5.0, np.float32)
    logits[100:200, 100:200] = 5.0
    logits[200, 100:200] = 0.5
    probability = 1 / (1 + np.exp(-logits))
    mask = kept_mask(probability)
    assert np.array_equal(mask.to_bool(), probability >= 0.5)
    assert mask.to_array()[200, 150] == round(float(probability[200, 150]) * 255)
    assert sum(len(tile) > 1 for tile in mask.tiles) == 1
    assert np.array_equal(kept_mask(np.ones((4, 4), np.float32)).to_array(), np.full((4, 4), 255))


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux alone")
def test_the_lanes_stand_behind_the_ui_thread(still: Document, lane: GenerateLane, generation: Generation) -> None:
    niceness = []
    lane.progressed.connect(
        lambda *_: niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())),
        Qt.ConnectionType.DirectConnection,
    )
    of_lane = []
    lane._worker.progressed.connect(
        lambda *_: of_lane.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())),
        Qt.ConnectionType.DirectConnection,
    )
    generation.generate(["o1"])
    wait_until(lambda: not lane.waiting, seconds=120)
    assert min(of_lane) > max(niceness) == os.getpriority(os.PRIO_PROCESS, os.getpid())


def test_masks_are_not_unpacked_on_the_ui_thread(
    still: Document, lane: GenerateLane, generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20 objects on a 4K image they are 660 MB, and the window would stand still for seconds."""
    unpacked_by = []
    unpack = TiledMask.to_array
    monkeypatch.setattr(
        TiledMask, "to_array", lambda mask: (unpacked_by.append(threading.get_ident()), unpack(mask))[1]
    )
    blend_id = generation.add_blend(["o1", "o2"])
    assert blend_id is not None
    generation.generate(["o1", "o2", blend_id])
    wait_until(lambda: not lane.waiting, seconds=120)
    assert len(still.takes) == 3
    assert unpacked_by
    assert threading.get_ident() not in unpacked_by


def test_a_click_without_an_image_or_outside_it_is_answered_with_the_remedy(
    still: Document, segment: SegmentLane
) -> None:
    failures = []
    segment.failed.connect(lambda job, text: failures.append((job, text)))
    first = segment.predict(Prompt.click(20, 30))
    wait_until(lambda: bool(failures))
    assert failures[-1] == (first, "there is no image yet: open one first")
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    second = segment.predict(Prompt.click(2000, 30))
    wait_until(lambda: len(failures) == 2)
    assert failures[-1][0] == second
    assert "outside the image of 96 x 64" in failures[-1][1]


def test_only_the_newest_of_many_clicks_is_computed(still: Document, segment: SegmentLane) -> None:
    answers, dropped = [], []
    segment.predicted.connect(lambda job, _candidates: answers.append(job))
    segment.failed.connect(lambda job, text: dropped.append((job, text)))
    assert still.project.image is not None
    segment.set_image(still.project.image.sha256, still.image)
    jobs = [segment.predict(Prompt.click(20 + i, 30)) for i in range(10)]
    wait_until(lambda: jobs[-1] in answers)
    wait_until(lambda: len(answers) + len(dropped) == 10)
    assert len(answers) <= 2
    assert all(text == "" for _, text in dropped)


def test_generated_takes_are_kept_and_placed_as_one_step(
    still: Document, lane: GenerateLane, generation: Generation
) -> None:
    progress = []
    lane.progressed.connect(lambda _job, each: progress.append(each.stage))
    steps = still.undo_stack.count()
    generation.generate(["o1", "o2"], variations=2)
    wait_until(lambda: not lane.waiting, seconds=120)
    assert [(take.object_id, take.number) for take in still.takes] == [("o1", 1), ("o1", 2), ("o2", 1), ("o2", 2)]
    assert len({take.seed for take in still.takes}) == 4
    assert all(take.seconds == 1.0 for take in still.takes)
    assert [clip.object_id for clip in still.project.clips] == ["o1", "o2"]
    assert still.undo_stack.count() == steps + 1
    assert "denoise" in progress
    still.undo()
    assert len(still.takes) == 4


def test_the_take_follows_from_the_recipe_that_is_kept_with_it(
    still: Document, lane: GenerateLane, generation: Generation, bundle_folder: Path
) -> None:
    generation.generate(["o1"])
    wait_until(lambda: not lane.waiting, seconds=120)
    take = next(iter(still.takes))
    from sounddesk.engine.session import EngineSession

    assert still.image is not None
    request = generation_request(still.project, still.image, [(still.project.object("o1"), take.seed)], take.seconds)
    with EngineSession.open(bundle=bundle_folder, device="cpu") as session:
        again = session.generate(request)[0]
    assert np.array_equal(again.waveform, take.waveform)
    assert dict(take.recipe) == again.recipe


def test_a_locked_seed_is_used_again(still: Document, lane: GenerateLane, generation: Generation) -> None:
    still.commit("Lock", still.project.with_changed_object("o1", seed=77, seed_locked=True))
    generation.generate(["o1"])
    wait_until(lambda: not lane.waiting, seconds=120)
    assert [take.seed for take in still.takes] == [77]


def test_cancel_ends_a_long_job_within_a_second_and_the_queue_goes_on(
    still: Document, lane: GenerateLane, generation: Generation
) -> None:
    generation.generate(["o2"])
    wait_until(lambda: not lane.waiting, seconds=120)
    ended = []
    lane.cancelled.connect(lambda job: ended.append(job.id))
    still.commit("Long", still.project.with_settings(steps=1000, seconds=5.0))
    running = []
    lane.progressed.connect(lambda job, each: running.append(job) if each.stage == "denoise" else None)
    (long_job,) = generation.generate(["o1"])
    still.commit("Short", still.project.with_settings(steps=1, seconds=1.0))
    generation.generate(["o2"])
    wait_until(lambda: long_job in running, seconds=60)
    started_s = time.monotonic()
    lane.cancel(long_job)
    wait_until(lambda: ended == [long_job])
    assert time.monotonic() - started_s < 1.0
    wait_until(lambda: not lane.waiting, seconds=60)
    assert [take.object_id for take in still.takes] == ["o2", "o2"]


def test_what_cannot_be_generated_is_refused_in_words(
    still: Document, lane: GenerateLane, generation: Generation
) -> None:
    said: list[str] = []
    generation.message.connect(said.append)
    from sounddesk.domain.tiled_mask import TiledMask

    empty = TiledMask.empty(width=96, height=64)
    still.commit("Erase", still.project.with_changed_object("o1", mask=empty))
    assert generation.generate(["o1", "o2"]) == []
    assert "mask of 'left' is empty" in said[-1]
    assert generation.generate([]) == []
    assert "No object is selected" in said[-1]
    still.commit("Bundle", still.project.with_settings(bundle="nowhere"))
    generation.generate(["o2"])
    wait_until(lambda: not lane.waiting, seconds=60)
    assert "nowhere" in said[-1]
    assert len(still.takes) == 0


def test_no_thread_is_left(qapp: object) -> None:
    segment, lane = SegmentLane(), GenerateLane()
    assert segment._thread.isRunning()
    assert lane._thread.isRunning()
    segment.close()
    lane.close()
    assert segment._thread.isFinished()
    assert lane._thread.isFinished()
