"""What becomes of new takes: the one in use stays in use unless the user wants it otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sounddesk.app.generation import Generation
from sounddesk.app.project.document import Document
from sounddesk.app.workers.generation_queue import GenerateJob
from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.engine.types import GeneratedTake


@pytest.fixture
def generation(still: Document) -> Iterator[Generation]:
    queue = GenerationQueue()
    yield Generation(still, queue)
    queue.close()


def made(generation: Generation, object_id: str, *, seed: int) -> None:
    """As when the engine has made a take of an object."""

    def no_request() -> None:
        raise AssertionError

    job = GenerateJob(make_request=no_request, object_ids=(object_id,), title="left")  # type: ignore[arg-type]
    take = GeneratedTake(
        name="left",
        kind="object",
        waveform=np.zeros(1600, np.float32),
        sample_rate_hz=16_000,
        recipe={"seed": seed},
        notes=(),
        patch_weights=np.zeros(0, np.float32),
    )
    generation._on_finished(Ticket(seed, job), [take])


def in_use(document: Document, object_id: str) -> list[int]:
    return [document.takes[clip.take_id].seed for clip in document.project.clips_of(object_id)]


def test_a_new_take_is_not_in_use_before_the_user_says_so(generation: Generation, still: Document) -> None:
    made(generation, "o1", seed=1)
    assert in_use(still, "o1") == [1]
    steps = still.undo_stack.count()
    made(generation, "o1", seed=2)
    assert len(still.takes) == 2
    assert (in_use(still, "o1"), still.undo_stack.count()) == ([1], steps)
    generation.use_new_takes = True
    made(generation, "o1", seed=3)
    assert in_use(still, "o1") == [3]
