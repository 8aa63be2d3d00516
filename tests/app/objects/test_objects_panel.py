"""Rows of objects: they stay while an object changes, and their icons turn flags over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QTreeWidgetItem
from shiboken6 import isValid

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.objects.object_list import LOCKED
from sounddesk.app.objects.object_list import NAME
from sounddesk.app.objects.object_list import VISIBLE
from sounddesk.app.objects.objects_panel import ObjectsPanel
from sounddesk.app.objects.row_delegates import SHARE_ROLE
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from tests.app.takes.test_takes_panel import make_take


@pytest.fixture
def panel(still: Document) -> Iterator[ObjectsPanel]:
    made = ObjectsPanel(still, SelectionModel(still), CommandRegistry())
    made.resize(280, 400)
    made.show()
    yield made
    made.close_background()
    made.close()


def row(panel: ObjectsPanel, index: int) -> QTreeWidgetItem:
    found = panel._list.topLevelItem(index)
    assert found is not None
    return found


def middle_of(panel: ObjectsPanel, index: int, column: int) -> QPoint:
    return panel._list.visualRect(panel._list.indexFromItem(row(panel, index), column)).center()


def test_a_row_outlives_the_click_that_changes_it(panel: ObjectsPanel, still: Document) -> None:
    # Qt looks at the row again after it has told of the change: were it gone, that would read freed memory.
    rows = [row(panel, index) for index in (0, 1)]
    for column, field, expected in ((VISIBLE, "visible", False), (LOCKED, "locked", True)):
        QTest.mouseClick(
            panel._list.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            middle_of(panel, 1, column),
        )
        assert [getattr(each, field) for each in still.project.objects] == [not expected, expected]
    assert all(isValid(each) for each in rows)
    still.undo()
    assert rows[1].checkState(LOCKED) == Qt.CheckState.Unchecked
    still.commit("Rename", still.project.with_changed_object(still.project.objects[0].id, name="dog"))
    assert rows[0].text(NAME) == "dog"
    still.commit("Delete", still.project.without_objects([still.project.objects[0].id]))
    assert panel._list.topLevelItemCount() == 1


def test_two_quick_clicks_on_an_eye_open_no_field(panel: ObjectsPanel, still: Document) -> None:
    where = middle_of(panel, 0, VISIBLE)
    for click in (QTest.mouseClick, QTest.mouseDClick):
        click(panel._list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    assert panel._list.state() != panel._list.State.EditingState
    # Space does what a click does, where the row is reached by keys.
    visible = still.project.objects[0].visible
    panel._list.setCurrentItem(row(panel, 0), VISIBLE)
    QTest.keyClick(panel._list, Qt.Key.Key_Space)
    assert still.project.objects[0].visible is not visible


def test_a_row_says_how_many_takes_its_object_has(panel: ObjectsPanel, still: Document) -> None:
    before = panel._list.grab().toImage()
    make_take(still, still.project.objects[0].id)
    counted = panel._list.grab().toImage()
    assert counted != before
    make_take(still, still.project.objects[0].id)
    assert panel._list.grab().toImage() != counted
    name = still.project.objects[0].name
    spoken = [row(panel, index).data(NAME, Qt.ItemDataRole.AccessibleTextRole) for index in (0, 1)]
    assert spoken == [f"{name}, 2 takes", still.project.objects[1].name]


def test_without_a_selected_object_nothing_of_the_last_one_is_shown(panel: ObjectsPanel, still: Document) -> None:
    inspector, first = panel._inspector, still.project.objects[0]
    changed = {"hint": "a bark", "seconds": 3.0, "seed": 2**62, "seed_locked": True}
    still.commit("Change", still.project.with_changed_object(first.id, **changed))
    panel._selection.select_objects([first.id])
    assert (inspector._hint.text(), inspector._length.value(), inspector._lock.isChecked()) == ("a bark", 3.0, True)
    # All figures of the longest seed are in sight, at the width that the panel has at first.
    panel.resize(258, 400)
    QApplication.processEvents()
    shown = inspector._seed.fontMetrics().horizontalAdvance(inspector._seed.text())
    assert shown < inspector._seed.width() - 12
    panel._selection.select_objects(())
    assert (inspector._hint.text(), inspector._seed.text(), inspector._length.value()) == ("", "", 0.0)
    assert not (inspector.isEnabled() or inspector._lock.isChecked())
    panel._selection.select_objects([first.id])
    assert inspector._hint.text() == "a bark"


def test_a_ring_shows_how_far_a_take_is(panel: ObjectsPanel, still: Document) -> None:
    before = panel._list.grab().toImage()
    panel.show_making({still.project.objects[1].id: 0.5})
    assert [row(panel, index).data(NAME, SHARE_ROLE) for index in (0, 1)] == [None, 0.5]
    assert panel._list.grab().toImage() != before
    panel.show_making({})
    assert panel._list.grab().toImage() == before
