"""Boxes make objects, add to them and take away, as the mode says."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.app.canvas.conftest import ALT
from tests.app.canvas.conftest import LEFT
from tests.app.canvas.conftest import PLAIN
from tests.app.canvas.conftest import SHIFT
from tests.app.canvas.conftest import ClickDesk
from tests.app.canvas.conftest import Spot
from tests.flood_segmenter import BELL_AREA
from tests.flood_segmenter import CART
from tests.flood_segmenter import CART_AREA
from tests.flood_segmenter import LOAD_AREA
from tests.flood_segmenter import WHEEL_AREA

AROUND_CART, AROUND_LOAD, AROUND_BELL = ((8, 18), (49, 52)), ((50, 18), (64, 52)), ((86, 52), (116, 78))


def box(desk: ClickDesk, corners: tuple[Spot, Spot], modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    desk.canvas.set_tool("box")
    QTest.mousePress(desk.canvas, LEFT, modifiers, desk.at(corners[0]))
    QTest.mouseMove(desk.canvas, desk.at(corners[1]))
    QTest.mouseRelease(desk.canvas, LEFT, modifiers, desk.at(corners[1]))


def test_boxes_that_wait_are_all_answered_each_as_its_own_object(desk: ClickDesk) -> None:
    desk.segmenter.gate.clear()
    box(desk, AROUND_BELL)
    box(desk, AROUND_LOAD)
    assert desk.status.waiting == 2
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas[0] == BELL_AREA
    assert abs(desk.areas[1] - LOAD_AREA) <= 30
    assert desk.status.waiting == 0


def test_the_mode_and_the_keys_say_what_a_box_does(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    whole = CART_AREA + WHEEL_AREA
    box(desk, AROUND_BELL, SHIFT)
    desk.settle()
    assert desk.areas == [whole + BELL_AREA]
    box(desk, AROUND_BELL, ALT)
    desk.settle()
    assert desk.areas == [whole]
    # After a click the mode is to add; boxes are drawn one object after the other.
    assert desk.pick == "new"
    desk.actions["mask.add_to_object"].trigger()
    assert desk.status.text == f"Add to {desk.selected}"
    box(desk, AROUND_BELL)
    desk.settle()
    assert desk.areas == [whole + BELL_AREA]
    desk.actions["mask.new_object"].trigger()
    box(desk, AROUND_LOAD)
    desk.settle()
    assert len(desk.areas) == 2


def test_an_object_that_is_locked_while_a_box_on_it_waits_keeps_its_mask(desk: ClickDesk, problems: list[str]) -> None:
    desk.click_and_wait(CART)
    areas = desk.areas
    desk.segmenter.gate.clear()
    box(desk, AROUND_BELL, SHIFT)
    project = desk.document.project
    desk.document.commit("Lock", project.with_changed_object(project.objects[0].id, locked=True))
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == areas
    assert "is locked" in desk.told[-1]
    assert problems == []


def test_a_box_on_an_image_that_is_gone_is_dropped_and_said(desk: ClickDesk) -> None:
    from tests.flood_segmenter import picture

    desk.segmenter.gate.clear()
    box(desk, AROUND_BELL)
    other = picture()
    other[..., 2] = 5
    desk.open(other, "other.png")
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == []
    assert "A box was dropped" in desk.told[-1]
