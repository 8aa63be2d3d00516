"""Clicks that make and correct objects: what the mode says is what happens, and no click is lost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from sounddesk.app.canvas.tools.click_tool import ClickTool
from sounddesk.app.look.theme import PICK_COLOURS
from tests.app.canvas.conftest import ALT
from tests.app.canvas.conftest import CTRL
from tests.app.canvas.conftest import RIGHT
from tests.app.canvas.conftest import SHIFT
from tests.app.canvas.conftest import ClickDesk
from tests.app.conftest import wait_until
from tests.flood_segmenter import BELL
from tests.flood_segmenter import BELL_AREA
from tests.flood_segmenter import CART
from tests.flood_segmenter import CART_AREA
from tests.flood_segmenter import LOAD
from tests.flood_segmenter import LOAD_AREA
from tests.flood_segmenter import NOWHERE
from tests.flood_segmenter import WHEEL
from tests.flood_segmenter import WHEEL_AREA
from tests.flood_segmenter import picture

WHOLE_CART = CART_AREA + WHEEL_AREA


# ---------------------------------------------------------------------- modes


def test_a_click_makes_an_object_and_the_next_one_adds_to_it_however_far_off_it_is(desk: ClickDesk) -> None:
    assert (desk.pick, desk.status.text) == ("new", "New object")
    desk.click_and_wait(CART)
    assert desk.areas == [WHOLE_CART]
    assert (desk.pick, desk.status.text) == ("add", f"Add to {desk.selected}")
    desk.click_and_wait(BELL)
    assert desk.areas == [WHOLE_CART + BELL_AREA]
    assert desk.document.undo_stack.undoText() == f"Refine {desk.selected}"


def test_enter_ends_the_object_and_the_next_click_begins_another(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    desk.key(Qt.Key.Key_Return)
    assert (desk.pick, desk.selected) == ("new", "")
    desk.click_and_wait(BELL)
    assert desk.areas == [WHOLE_CART, BELL_AREA]


def test_a_click_on_an_object_selects_it_and_makes_no_duplicate(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    cart = desk.selected
    desk.key(Qt.Key.Key_Return)
    desk.click_and_wait(BELL)
    asked, steps = len(desk.segmenter.prompts), desk.document.undo_stack.count()
    # The mode is Add: on another object's mask it selects all the same.
    desk.click_and_wait(CART)
    assert desk.selected == cart
    desk.actions["mask.new_object"].trigger()
    desk.click_and_wait(BELL)
    assert desk.selected != cart
    desk.click_and_wait(CART)
    assert (desk.selected, desk.pick) == (cart, "new")
    assert (len(desk.segmenter.prompts), desk.document.undo_stack.count()) == (asked, steps)


def test_of_masks_that_lie_on_each_other_the_smallest_is_selected_and_then_the_next(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    cart = desk.selected
    desk.canvas.options.scale = "part"
    desk.click_and_wait(WHEEL, CTRL)
    wheel = desk.selected
    assert desk.areas == [WHOLE_CART, WHEEL_AREA]
    desk.selection.clear()
    desk.actions["mask.new_object"].trigger()
    chosen = []
    for _ in range(3):
        desk.click(WHEEL)
        chosen.append(desk.selected)
    assert chosen == [wheel, cart, wheel]


def test_hidden_objects_and_ambiences_are_not_in_the_way(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    project = desk.document.project
    desk.document.commit("Hide", project.with_changed_object(project.objects[0].id, visible=False))
    desk.key(Qt.Key.Key_Return)
    desk.click_and_wait(CART)
    assert len(desk.areas) == 2


def test_remove_takes_away_and_says_where_there_is_nothing(desk: ClickDesk) -> None:
    desk.actions["mask.remove_from_object"].trigger()
    desk.click_and_wait(CART)
    assert desk.areas == []
    assert "Click on the object first" in desk.told[-1]
    desk.actions["mask.new_object"].trigger()
    desk.click_and_wait(CART)
    desk.click_and_wait(LOAD)
    assert desk.areas == [WHOLE_CART + LOAD_AREA]
    desk.actions["mask.remove_from_object"].trigger()
    desk.click_and_wait(LOAD)
    assert desk.areas == [WHOLE_CART]
    assert desk.pick == "remove"


def test_keys_that_are_held_go_before_the_mode(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    desk.click_and_wait(BELL, CTRL)
    assert desk.areas == [WHOLE_CART, BELL_AREA]
    desk.actions["mask.new_object"].trigger()
    desk.click_and_wait(LOAD, SHIFT)
    assert desk.areas == [WHOLE_CART, BELL_AREA + LOAD_AREA]
    desk.click_and_wait(LOAD, ALT)
    assert desk.areas == [WHOLE_CART, BELL_AREA]
    desk.click_and_wait(LOAD, SHIFT)
    desk.click_and_wait(LOAD, button=RIGHT)
    assert desk.areas == [WHOLE_CART, BELL_AREA]
    # Adds what another object holds, which a plain click would select.
    desk.click_and_wait(CART, SHIFT)
    assert desk.areas == [WHOLE_CART, BELL_AREA + WHOLE_CART]


def test_what_adds_takes_nothing_away_and_what_removes_adds_nothing_whatever_the_segmenter_answers(
    desk: ClickDesk,
) -> None:
    desk.click_and_wait(CART)
    desk.key(Qt.Key.Key_Return)
    desk.segmenter.heeds_hints = False
    desk.selection.select_objects([desk.document.project.objects[0].id])
    desk.hover(BELL)
    desk.actions["mask.add_to_object"].trigger()
    desk.hover((BELL[0] + 1, BELL[1]))
    wait_until(lambda: shown(desk) == {"add"})
    desk.click_and_wait(BELL)
    assert desk.areas == [WHOLE_CART + BELL_AREA]
    desk.click_and_wait(LOAD)
    assert desk.areas == [WHOLE_CART + BELL_AREA + LOAD_AREA]
    desk.click_and_wait(WHEEL, ALT)
    assert desk.areas == [BELL_AREA + LOAD_AREA]
    # Adds again to what was left.
    desk.click_and_wait(WHEEL, SHIFT)
    desk.click_and_wait(BELL, ALT)
    assert desk.areas == [WHOLE_CART + LOAD_AREA]


def test_the_mode_is_seen_on_buttons_keys_text_and_cursor(desk: ClickDesk) -> None:
    bar = desk.panel.pick_bar
    buttons = {each.accessibleName(): each for each in bar.findChildren(QToolButton) if each.accessibleName()}
    cursors = []
    for command, key, pick in (
        ("Add to object", "A", "add"),
        ("Remove from object", "X", "remove"),
        ("New object", "O", "new"),
    ):
        buttons[command].click()
        assert desk.pick == pick
        assert [name for name, each in buttons.items() if each.isChecked()] == [command]
        assert key in buttons[command].toolTip()
        assert bar._swatch.pixmap().toImage().pixelColor(4, 4).name() == PICK_COLOURS[pick].name()
        cursors.append(desk.canvas.cursor().pixmap().toImage())
    assert cursors[0] != cursors[1] != cursors[2] != cursors[0]
    assert bar.isVisible()
    desk.canvas.set_tool("brush")
    assert not bar.isVisible()


def test_a_locked_object_is_left_alone_with_a_message(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    project = desk.document.project
    desk.document.commit("Lock", project.with_changed_object(project.objects[0].id, locked=True))
    desk.click_and_wait(LOAD)
    assert desk.areas == [WHOLE_CART]
    assert "is locked" in desk.told[-1]


def test_an_object_that_is_locked_while_a_click_on_it_waits_keeps_its_mask(
    desk: ClickDesk, problems: list[str]
) -> None:
    desk.click_and_wait(CART)
    desk.segmenter.gate.clear()
    desk.click(BELL)
    project = desk.document.project
    desk.document.commit("Lock", project.with_changed_object(project.objects[0].id, locked=True))
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == [WHOLE_CART]
    assert "is locked" in desk.told[-1]
    assert problems == []


def test_clicks_go_on_from_the_mask_that_undo_left(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    desk.click_and_wait(BELL)
    desk.document.undo()
    assert desk.areas == [WHOLE_CART]
    desk.click_and_wait(LOAD)
    assert desk.areas == [WHOLE_CART + LOAD_AREA], "the click that was undone came back"


# ---------------------------------------------------------------------- waiting


def test_clicks_made_while_the_image_is_read_are_kept_and_answered_in_order(desk: ClickDesk) -> None:
    desk.segmenter.gate.clear()
    other = picture()
    other[..., 2] = 7
    desk.open(other, "other.png")
    wait_until(lambda: desk.panel.pick_bar._text.text().startswith("Reading the image"))
    desk.click(CART)
    desk.click(LOAD)
    assert desk.status.waiting == 2
    desk.key(Qt.Key.Key_Return)
    desk.click(BELL)
    assert desk.status.waiting == 3
    desk.panel.pick_bar.refresh()
    assert "3 clicks wait" in desk.panel.pick_bar._text.text()
    assert desk.areas == []
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == [WHOLE_CART + LOAD_AREA, BELL_AREA]
    assert [each.name for each in desk.document.project.objects] == ["object 1", "object 2"]
    assert desk.selected == "object 2"
    assert desk.status.waiting == 0
    wait_until(lambda: desk.panel.pick_bar._text.text() == "Add to object 2")
    second = desk.document.project.objects[1]
    desk.document.commit("Rename", desk.document.project.with_changed_object(second.id, name="bell"))
    assert desk.panel.pick_bar._text.text() == "Add to bell"


def test_clicks_on_an_image_that_is_gone_are_dropped_and_said(desk: ClickDesk) -> None:
    desk.segmenter.gate.clear()
    desk.click(CART)
    desk.click(LOAD)
    other = picture()
    other[..., 2] = 9
    desk.open(other, "other.png")
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == []
    assert any("2 clicks were dropped" in line for line in desk.told)
    assert (desk.pick, desk.status.waiting) == ("new", 0)
    # A click made before the event loop ran is answered on the new image, not on the old one.
    third = np.zeros((80, 120, 3), np.uint8)
    third[20:40, 30:60, 0] = 200
    desk.open(third, "third.png")
    desk.click_and_wait(CART)
    assert desk.areas == [600]


def test_a_click_where_nothing_is_says_so_and_leaves_no_trace(desk: ClickDesk) -> None:
    desk.click_and_wait(NOWHERE)
    assert desk.areas == []
    assert desk.told[-1] == "there is nothing: click elsewhere."
    assert desk.pick == "new"
    desk.click_and_wait(CART)
    assert desk.segmenter.prompts[-1].points == ((pytest.approx(CART[0] + 0.5, abs=1), pytest.approx(30.5, abs=1)),)


def test_an_object_deleted_while_its_click_was_awaited_does_not_come_back(desk: ClickDesk) -> None:
    desk.click_and_wait(CART)
    desk.segmenter.gate.clear()
    desk.click(LOAD)
    desk.document.commit("Delete", dataclasses.replace(desk.document.project, objects=()))
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == []


def test_another_tool_may_be_taken_while_a_click_is_awaited(desk: ClickDesk) -> None:
    desk.segmenter.gate.clear()
    desk.click(CART)
    desk.canvas.set_tool("brush")
    desk.segmenter.gate.set()
    desk.settle()
    assert desk.areas == [WHOLE_CART]


# ---------------------------------------------------------------------- hover


def tool_of(desk: ClickDesk) -> ClickTool:
    assert isinstance(desk.canvas.tool, ClickTool)
    return desk.canvas.tool


def shown(desk: ClickDesk) -> set[str]:
    """Which colours the change has that is shown on the canvas."""
    change = desk.canvas._change
    if change is None:
        return set()
    image = change.image
    opaque = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
              if image.pixelColor(x, y).alpha() == 255}  # fmt: skip
    return {name for name, colour in PICK_COLOURS.items() if colour.name() in opaque} or opaque


def test_hover_shows_what_a_click_makes_adds_removes_and_selects(desk: ClickDesk) -> None:
    desk.hover(CART)
    wait_until(lambda: shown(desk) == {"new"})
    desk.click_and_wait(CART)
    desk.hover(LOAD)
    wait_until(lambda: shown(desk) == {"add"})
    assert desk.canvas._change is not None
    assert desk.canvas._change.box.left == 50, "what is there already is shown as coming in"
    desk.click_and_wait(LOAD)
    desk.actions["mask.remove_from_object"].trigger()
    desk.hover((LOAD[0] + 1, LOAD[1]))
    wait_until(lambda: shown(desk) == {"remove"})
    desk.key(Qt.Key.Key_Return)
    desk.hover(CART)
    assert desk.status.text == f"Select {desk.document.project.objects[0].name}"
    assert shown(desk) == {desk.document.project.objects[0].colour.lower()}
    assert desk.canvas.cursor().shape() == Qt.CursorShape.PointingHandCursor
    # No object was made or changed by looking.
    assert desk.areas == [WHOLE_CART + LOAD_AREA]


def test_a_key_that_is_held_changes_what_is_shown_without_moving_the_mouse(desk: ClickDesk) -> None:
    from PySide6.QtTest import QTest

    desk.click_and_wait(CART)
    desk.hover(LOAD)
    wait_until(lambda: shown(desk) == {"add"})
    QTest.keyPress(desk.canvas, Qt.Key.Key_Alt)
    assert desk.status.text.startswith("Remove from")
    QTest.keyRelease(desk.canvas, Qt.Key.Key_Alt)
    assert desk.status.text.startswith("Add to")
    wait_until(lambda: shown(desk) == {"add"})


def test_a_preview_is_asked_for_the_newest_place_only(desk: ClickDesk) -> None:
    desk.segmenter.gate.clear()
    desk.hover(CART)
    wait_until(lambda: bool(desk.worker._worker.tickets))
    for x in range(12, 60):
        desk.hover((x, 46))
    desk.hover(BELL)
    desk.segmenter.gate.set()
    wait_until(lambda: shown(desk) == {"new"})
    desk.settle()
    assert len(desk.segmenter.prompts) == 2
    assert desk.canvas._change is not None
    assert desk.canvas._change.box.left == 90


def test_a_click_on_what_was_previewed_is_not_computed_again(desk: ClickDesk) -> None:
    desk.hover(CART)
    wait_until(lambda: shown(desk) == {"new"})
    asked = len(desk.segmenter.prompts)
    desk.click_and_wait(CART)
    assert desk.areas == [WHOLE_CART]
    assert len(desk.segmenter.prompts) == asked


def test_no_preview_of_a_change_to_an_object_that_is_gone_when_it_is_asked(
    desk: ClickDesk, problems: list[str]
) -> None:
    desk.click_and_wait(CART)
    asked = len(desk.segmenter.prompts)
    desk.hover(LOAD)
    document = desk.document
    document.commit("Delete", document.project.without_objects([document.project.objects[0].id]))
    tool_of(desk)._hover._ask()
    desk.settle()
    assert not problems and len(desk.segmenter.prompts) == asked


def test_no_preview_where_it_is_switched_off_or_the_mouse_is_gone(desk: ClickDesk) -> None:
    desk.hover(CART)
    wait_until(lambda: shown(desk) == {"new"})
    desk.canvas.tool.leave()
    assert shown(desk) == set()
    desk.panel.set_hover_preview(on=False)
    asked = len(desk.segmenter.prompts)
    desk.hover(LOAD)
    desk.settle()
    assert len(desk.segmenter.prompts) == asked
    assert shown(desk) == set()


# ---------------------------------------------------------------------- part, thing, group


def test_part_thing_and_group_are_gone_through_after_the_click_one_step_each(desk: ClickDesk) -> None:
    desk.click_and_wait(WHEEL)
    assert desk.areas == [WHOLE_CART]
    assert (desk.status.scale, sorted(desk.status.scales)) == ("thing", ["group", "part", "thing"])
    seen = []
    for _ in range(3):
        steps = desk.document.undo_stack.count()
        desk.actions["mask.next_candidate"].trigger()
        assert desk.document.undo_stack.count() == steps + 1
        seen.append((desk.status.scale, desk.areas[0]))
    assert seen == [("group", WHOLE_CART + LOAD_AREA), ("part", WHEEL_AREA), ("thing", WHOLE_CART)]
    assert len(desk.areas) == 1


def test_the_candidate_is_chosen_before_the_click_by_key_or_button(desk: ClickDesk) -> None:
    desk.hover(WHEEL)
    wait_until(lambda: shown(desk) == {"new"})
    desk.key(Qt.Key.Key_Tab)
    assert desk.status.scale == "group"
    desk.panel.pick_bar._scales["part"].click()
    assert desk.status.scale == "part"
    assert desk.canvas._change is not None
    assert desk.canvas._change.box.width == 14
    desk.click_and_wait(WHEEL)
    assert desk.areas == [WHEEL_AREA]
    # The wish stays for the next object.
    desk.key(Qt.Key.Key_Return)
    desk.panel.pick_bar._scales["group"].click()
    desk.click_and_wait(CART, CTRL)
    assert desk.areas[1] == CART_AREA + WHEEL_AREA + LOAD_AREA


def test_what_there_is_only_one_of_cannot_be_chosen_from(desk: ClickDesk) -> None:
    desk.click_and_wait(BELL)
    assert desk.status.scales == ()
    desk.key(Qt.Key.Key_Return)
    desk.click_and_wait(LOAD)
    scales = desk.panel.pick_bar._scales
    assert len(desk.status.scales) == 2
    assert [name for name, each in scales.items() if each.isEnabled()] == ["thing", "group"]
