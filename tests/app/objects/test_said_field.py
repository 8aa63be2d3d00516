"""Words in the window become an object of their name, in one step; what is not found is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.objects.said_field import SaidField
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.said_worker import SaidWorker
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.segmenters.choice import SegmenterChoice
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from tests.app.conftest import wait_until


class Squares:
    """Finds what is red and what is blue, and calls both squares."""

    name = "squares"

    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> Sequence[FoundThing]:
        if thing != "square":
            return []
        return [FoundThing(box=(4, 8, 27, 32), score=0.9), FoundThing(box=(36, 13, 60, 39), score=0.8)]


@pytest.fixture
def field(document: Document, qapp: QApplication) -> Iterator[SaidField]:
    pixels = np.random.default_rng(0).normal(120, 4, (48, 64, 3)).clip(0, 255).astype(np.uint8)
    pixels[10:30, 6:25] = (205, 50, 40)
    pixels[15:37, 38:58] = (40, 70, 210)
    info = document.add_image(b"not read again", pixels, name="wall.png")
    document.commit("Open", dataclasses.replace(document.project, image=info))
    choice = SegmenterChoice(segmenter=GrabCutSegmenter(), entry=SEGMENTERS.get("grabcut"), notice="segmenter: GrabCut")
    segment = SegmentationWorker(choose=lambda: choice)
    segment.set_image(info.sha256, pixels)
    worker = SaidWorker(segment, Squares)
    made = SaidField(document, SelectionModel(document), CommandRegistry(), worker)
    yield made
    worker.close()
    segment.close()


def say(field: SaidField, words: str) -> None:
    field.setText(words)
    QTest.keyClick(field, Qt.Key.Key_Return)
    wait_until(lambda: not field.is_looking, seconds=60)


def test_what_is_said_becomes_an_object_and_undo_takes_it_back(field: SaidField, document: Document) -> None:
    say(field, "the square on the right")
    say(field, "square on the left")
    right, left = document.project.objects
    assert (right.name, left.name) == ("square", "square 2")
    assert right.named_by == "user"
    assert right.mask.to_bool()[20:30, 40:55].all()
    assert left.mask.to_bool()[12:28, 8:22].all()
    assert field.text() == ""
    document.undo()
    assert [each.name for each in document.project.objects] == ["square"]


def test_what_is_not_there_or_says_nothing_is_told(field: SaidField, document: Document, told: list[str]) -> None:
    say(field, "a zebra")
    assert "squares finds nothing that looks like 'a zebra'" in told[-1]
    assert field.text() == "a zebra"
    say(field, "on the left")
    assert "names no thing" in told[-1]
    assert document.project.objects == ()


def test_escape_stops_looking(field: SaidField, document: Document) -> None:
    field.setText("square")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.isReadOnly()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not field.isReadOnly()
    field._worker.close()
    QApplication.processEvents()
    assert document.project.objects == ()
