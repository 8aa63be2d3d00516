"""Generating on its thread, with the real classes at tiny size."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from sounddesk.app.generation import Generation
from sounddesk.app.generation import generation_request
from sounddesk.app.project.document import Document
from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.domain.grounding_mode import GROUNDING_MODES
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.tiled_mask import TiledMask
from tests.app.conftest import wait_until


@pytest.fixture
def queue(qapp: object) -> Iterator[GenerationQueue]:
    queue = GenerationQueue()
    yield queue
    queue.close()


@pytest.fixture
def generation(still: Document, queue: GenerationQueue, bundle_folder: Path) -> Generation:
    still.commit("Settings", still.project.with_settings(bundle=str(bundle_folder), seconds=1.0, steps=2))
    generation = Generation(still, queue)
    generation.device = "cpu"
    return generation


def test_masks_are_not_unpacked_on_the_ui_thread(
    still: Document, queue: GenerationQueue, generation: Generation, monkeypatch: pytest.MonkeyPatch
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
    wait_until(lambda: not queue.waiting, seconds=120)
    assert len(still.takes) == 3
    assert unpacked_by
    assert threading.get_ident() not in unpacked_by


def test_generated_takes_are_kept_and_placed_as_one_step(
    still: Document, queue: GenerationQueue, generation: Generation
) -> None:
    progress = []
    queue.progressed.connect(lambda _job, each: progress.append(each.stage))
    steps = still.undo_stack.count()
    generation.generate(["o1", "o2"], variations=2)
    wait_until(lambda: not queue.waiting, seconds=120)
    assert [(take.object_id, take.number) for take in still.takes] == [("o1", 1), ("o1", 2), ("o2", 1), ("o2", 2)]
    assert len({take.seed for take in still.takes}) == 4
    assert all(take.seconds == 1.0 for take in still.takes)
    assert [clip.object_id for clip in still.project.clips] == ["o1", "o2"]
    assert still.undo_stack.count() == steps + 1
    assert "denoise" in progress
    still.undo()
    assert len(still.takes) == 4


def test_the_take_follows_from_the_recipe_that_is_kept_with_it(
    still: Document, queue: GenerationQueue, generation: Generation, bundle_folder: Path
) -> None:
    generation.generate(["o1"])
    wait_until(lambda: not queue.waiting, seconds=120)
    take = next(iter(still.takes))
    from sounddesk.engine.session import EngineSession

    assert still.image is not None
    request = generation_request(still.project, still.image, [(still.project.object("o1"), take.seed)], take.seconds)
    with EngineSession.open(bundle=bundle_folder, device="cpu") as session:
        again = session.generate(request)[0]
    assert np.array_equal(again.waveform, take.waveform)
    assert dict(take.recipe) == again.recipe


def test_the_projects_grounding_says_what_takes_follow(still: Document) -> None:
    guess = NameGuess(name="dog", prompt="a dog barking", confidence=0.9)
    still.commit("Guess", still.project.with_changed_object("o1", guesses=(guess,), guess=0))
    assert still.image is not None
    asked = {}
    for grounding in GROUNDING_MODES:
        still.commit("Words", still.project.with_settings(grounding=grounding))
        request = generation_request(still.project, still.image, [(still.project.object("o1"), 1)], 1.0)
        asked[request.grounding] = request.takes[0].proposed_prompt
    # Of the whole image nothing was guessed yet.
    assert asked == {"object": "a dog barking", "caption": None, "caption-mix": "a dog barking"}


def test_a_locked_seed_is_used_again(still: Document, queue: GenerationQueue, generation: Generation) -> None:
    still.commit("Lock", still.project.with_changed_object("o1", seed=77, seed_locked=True))
    generation.generate(["o1"])
    wait_until(lambda: not queue.waiting, seconds=120)
    assert [take.seed for take in still.takes] == [77]


def test_cancel_ends_a_long_job_at_the_next_step_and_the_queue_goes_on(
    still: Document, queue: GenerationQueue, generation: Generation
) -> None:
    generation.generate(["o2"])
    wait_until(lambda: not queue.waiting, seconds=120)
    ended = []
    queue.cancelled.connect(lambda ticket: ended.append(ticket.id))
    still.commit("Long", still.project.with_settings(steps=1000, seconds=5.0))
    running, events = [], []
    queue.progressed.connect(lambda ticket, each: running.append(ticket.id) if each.stage == "denoise" else None)
    (long_job,) = generation.generate(["o1"])
    still.commit("Short", still.project.with_settings(steps=1, seconds=1.0))
    generation.generate(["o2"])
    wait_until(lambda: long_job in running, seconds=60)
    (long_ticket, _) = queue.waiting
    # On the thread of the jobs, where the steps are made.
    queue._worker._told.connect(
        lambda event, ticket, _value: events.append(event) if ticket is long_ticket else None,
        Qt.ConnectionType.DirectConnection,
    )
    queue.cancel(long_job)
    steps_before = len(events)
    wait_until(lambda: ended == [long_job], seconds=60)
    assert events[-1] == "cancelled"
    assert len(events) - steps_before <= 2
    wait_until(lambda: not queue.waiting, seconds=60)
    assert [take.object_id for take in still.takes] == ["o2", "o2"]


def test_a_job_that_waits_is_gone_at_once_when_it_is_cancelled(
    still: Document, queue: GenerationQueue, generation: Generation
) -> None:
    ended = []
    queue.cancelled.connect(lambda ticket: ended.append(ticket.job.object_ids))
    queue.finished.connect(lambda ticket, _takes: ended.append(ticket.job.object_ids))
    generation.generate(["o1"])
    (second,) = generation.generate(["o2"])
    queue.cancel(second)
    wait_until(lambda: not queue.waiting, seconds=120)
    assert ended == [("o2",), ("o1",)]


def test_attention_waits_for_its_turn_and_says_what_is_wrong(
    still: Document, queue: GenerationQueue, generation: Generation
) -> None:
    answers = []
    queue.attention.connect(lambda query, result, error: answers.append((query, result, str(error))))
    assert still.image is not None
    nowhere = replace(generation.engine_for(still.project), bundle="nowhere")
    queue.find_attention(7, still.image, "dog", engine=nowhere)
    wait_until(lambda: bool(answers), seconds=60)
    assert answers[0][:2] == (7, None)
    assert "nowhere" in answers[0][2]
    assert not queue.waiting


def test_what_cannot_be_generated_is_refused_in_words(
    still: Document, queue: GenerationQueue, generation: Generation, told: list[str]
) -> None:
    from sounddesk.domain.tiled_mask import TiledMask

    empty = TiledMask.empty(width=96, height=64)
    still.commit("Erase", still.project.with_changed_object("o1", mask=empty))
    assert generation.generate(["o1", "o2"]) == []
    assert "mask of 'left' is empty" in told[-1]
    assert generation.generate([]) == []
    assert "No object is selected" in told[-1]
    still.commit("Bundle", still.project.with_settings(bundle="nowhere"))
    generation.generate(["o2"])
    wait_until(lambda: not queue.waiting, seconds=60)
    assert "nowhere" in told[-1]
    assert len(still.takes) == 0
