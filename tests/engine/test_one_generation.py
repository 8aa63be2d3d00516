"""A generation is read in one place: how many modules it walks through, counted on a real tiny one."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch

from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from tests.tiny_bundle import build_tiny_bundle

ENGINE = "sounddesk.engine."
# Values, progress and memory; what the bundle says; networks; and the loop that draws silent takes again, around the
# last three steps: none of them is a step of a generation.
BELOW = tuple(
    ENGINE + name
    for name in (
        "types", "specs", "licence", "tasks", "device", "bundles", "models", "starter", "generation.take_rendering",
    )
)  # fmt: skip
LEVELS = 3


class EnteredModules:
    """Modules that a call walks through, in the order in which they are entered.

    A module is entered when control passes into it from another module, by a call and not by a return. Counted are
    the session, the pipeline that it calls, and the modules whose functions the pipeline calls: its steps. What a step
    calls in turn are helpers, and a function that a step hands down to a helper (the work of a map, the report of a
    loop) is still that step. But a call from a step or its helpers up to the session, to the pipeline or over to
    another step enters that module again. Calls into one step that follow each other directly are one stay.
    """

    def __init__(self) -> None:
        self._stack: list[str | None] = []
        self._levels: list[str] = []
        self._calls: list[tuple[int, str]] = []

    def watch(self, call: Callable[[], Any]) -> None:
        sys.setprofile(self._on_event)
        try:
            call()
        finally:
            sys.setprofile(None)

    def _on_event(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            self._stack.append(self._enter(str(frame.f_globals.get("__name__"))))
        elif event == "return" and self._stack and self._stack.pop() is not None:
            self._levels.pop()

    def _enter(self, module: str) -> str | None:
        """The module, where this call goes one level down."""
        if not module.startswith(ENGINE) or module.startswith(BELOW) or module in self._levels[-1:]:
            return None
        self._calls.append((len(self._levels) + 1, module))
        if len(self._levels) == LEVELS:
            return None
        self._levels.append(module)
        return module

    def names(self) -> list[str]:
        known = {module for level, module in self._calls if level <= LEVELS}
        entered = [module for level, module in self._calls if level <= LEVELS or module in known]
        return [module.removeprefix(ENGINE) for module, _ in itertools.groupby(entered)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> EngineSession:
    """With all that the starter does beyond the paper."""
    told = {"prototypes": 3, "classes": 4, "kinds": 3, "closer_look": True}
    folder = build_tiny_bundle(tmp_path_factory.mktemp("bundle"), out_width=32, hint_blend=0.5, **told)
    return EngineSession.open(bundle=folder, device="cpu")


def request() -> GenerationRequest:
    """Two takes, so that a step that is done take by take would show."""
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    mask = np.zeros((48, 48), dtype=bool)
    mask[:20, :20] = True
    takes = (
        ObjectRequest(name="dog", mask=mask, seed=1, prompt="bark"),
        ObjectRequest(name="sea", mask=~mask, seed=2, negative_prompt="siren"),
    )
    return GenerationRequest(image=image, takes=takes, seconds=1.0, sampling=SamplingSettings(steps=2))


def test_a_generation_enters_six_modules_and_none_of_them_twice(
    session: EngineSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loading is no part of a generation; on one thread the denoising is not handed to others, where nobody watches.
    session.load()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    entered = EnteredModules()
    entered.watch(lambda: session.generate(request()))
    names = entered.names()
    assert names == [
        "session",
        "generation.image_pipeline",
        "generation.conditioning",
        "generation.denoising",
        "generation.decoding",
        "generation.postprocess",
    ]
