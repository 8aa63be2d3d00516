"""Suggestions come one by one: each is looked at, and only what is accepted becomes an object."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.suggestion_bar import SuggestionBar
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.suggestion_worker import SuggestionWorker
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.segmenters.choice import SegmenterChoice
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from tests.app.conftest import wait_until


@dataclasses.dataclass
class Wall:
    bar: SuggestionBar
    document: Document
    actions: CommandRegistry
    canvas: ImageCanvas
    messages: list[str]

    def ask(self) -> None:
        self.actions["objects.suggest"].trigger()
        wait_until(lambda: self.bar._job is None, seconds=60)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.document.project.objects]


class Squares(GrabCutSegmenter):
    """Proposes what is red and what is blue, at once."""

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> tuple[Candidate, ...]:
        del cancel
        masks = [encoded.image[..., channel] > 180 for channel in (0, 2)]
        return tuple(Candidate(mask=mask, probability=mask.astype(np.float32), score=0.8) for mask in masks)


def squares() -> SegmenterChoice:
    return SegmenterChoice(segmenter=Squares(), entry=SEGMENTERS.get("grabcut"), notice="segmenter: squares")


class Colours:
    """Knows what is red."""

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        red, _green, blue = image[mask >= 0.5].mean(axis=0)
        guess = NameGuess(name="red square", prompt="a red square humming", confidence=0.9 if red > blue else 0.1)
        return RecognisedObject(guesses=(guess,), least_confidence=0.5)


@pytest.fixture
def wall(document: Document, qapp: QApplication, told: list[str]) -> Iterator[Wall]:
    """A grey wall with a red and a blue square on it."""
    pixels = np.random.default_rng(0).normal(120, 4, (48, 64, 3)).clip(0, 255).astype(np.uint8)
    pixels[10:30, 6:25] = (205, 50, 40)
    pixels[15:37, 38:58] = (40, 70, 210)
    info = document.add_image(b"not read again", pixels, name="wall.png")
    document.commit("Open", dataclasses.replace(document.project, image=info))
    segment = SegmentationWorker(choose=squares)
    selection, actions = SelectionModel(document), CommandRegistry()
    segment.set_image(info.sha256, pixels)
    canvas = ImageCanvas(document, selection, segment)
    canvas.resize(320, 240)
    search = SuggestionWorker(segment, lambda: Colours())
    bar = SuggestionBar(document, selection, actions, search, canvas)
    yield Wall(bar, document, actions, canvas, told)
    search.close()
    segment.close()


def test_one_is_accepted_one_is_skipped(wall: Wall) -> None:
    wall.ask()
    assert wall.bar.waiting >= 2
    count = wall.bar.waiting
    assert wall.bar.isVisibleTo(wall.canvas)
    first = wall.bar._waiting[0].found.pixels
    assert wall.canvas._suggestion is not None
    assert "red square, 90 % sure" in wall.bar._label.text()
    wall.actions["objects.accept_suggestion"].trigger()
    assert wall.names == ["red square"]
    assert wall.document.project.objects[0].named_by == "guess"
    assert np.array_equal(wall.document.project.objects[0].mask.to_bool(), first)
    for _ in range(count - 1):
        wall.actions["objects.skip_suggestion"].trigger()
    assert wall.bar.waiting == 0
    assert wall.canvas._suggestion is None
    assert not wall.bar.isVisibleTo(wall.canvas)
    assert wall.names == ["red square"]
    wall.document.undo()
    assert wall.names == []


def test_what_is_an_object_already_is_not_proposed_again(wall: Wall) -> None:
    wall.ask()
    count = wall.bar.waiting
    wall.actions["objects.accept_all_suggestions"].trigger()
    assert len(wall.names) == count
    assert wall.document.undo_stack.undoText() == "Accept suggestions"
    wall.ask()
    assert wall.bar.waiting == 0
    assert "Nothing else stands out" in wall.messages[-1]


def test_another_project_ends_them(wall: Wall) -> None:
    wall.ask()
    wall.document.replace(dataclasses.replace(wall.document.project, image=None), takes=(), images=())
    assert wall.bar.waiting == 0
    wall.actions["objects.suggest"].trigger()
    assert "no image" in wall.messages[-1]
