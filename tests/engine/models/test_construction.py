"""Networks of two threads are constructed one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accelerate import init_empty_weights

from sounddesk.engine.models.construction import constructing
from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.segmenter import StarterSegmenter
from tests.tiny_bundle import build_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_bundle(tmp_path_factory.mktemp("bundles"), segmenter=True)


def while_another_thread_constructs(work: Callable[[], Any]) -> Any:
    """What `work` gives that is begun while diffusers, in another thread, is about to construct a network."""
    begun, finish = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with constructing(), init_empty_weights():
            begun.set()
            finish.wait(30)

    other = threading.Thread(target=elsewhere)
    other.start()
    assert begun.wait(30)
    results: list[Any] = []
    mine = threading.Thread(target=lambda: results.append(work()))
    mine.start()
    time.sleep(0.3)
    waited = mine.is_alive()
    finish.set()
    other.join()
    mine.join(60)
    assert waited, "it did not wait for the other thread"
    (result,) = results
    return result


def test_a_segmenter_has_its_weights(bundle: Path) -> None:
    segmenter = while_another_thread_constructs(lambda: choose_segmenter(bundle=bundle).segmenter)
    assert isinstance(segmenter, StarterSegmenter)
    assert not any(parameter.is_meta for parameter in segmenter._network.parameters())


def test_a_session_has_its_weights(bundle: Path) -> None:
    def load() -> bool:
        with EngineSession.open(bundle=bundle, device="cpu") as session:
            session.load()
            return session.is_loaded

    assert while_another_thread_constructs(load)


def test_one_thread_may_nest() -> None:
    with constructing(), constructing():
        pass
