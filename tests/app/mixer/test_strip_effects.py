"""Equalizer, send, reverb and groups in the mixer: what its controls make of the project."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDoubleSpinBox

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.mixer.equalizer_dialog import EqualizerDialog
from sounddesk.app.mixer.mixer_panel import MixerPanel
from sounddesk.app.mixer.reverb_dialog import ReverbDialog
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.project import Project
from tests.app.conftest import wait_until

LEFT = Qt.MouseButton.LeftButton


@dataclasses.dataclass
class Desk:
    panel: MixerPanel
    document: Document
    selection: SelectionModel
    actions: CommandRegistry

    @property
    def project(self) -> Project:
        return self.document.project

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.project.objects]

    def dialog(self, kind: type[QDialog]) -> QDialog:
        (found,) = self.panel.findChildren(kind)
        return found


@pytest.fixture
def desk(still: Document) -> Iterator[Desk]:
    player, selection, actions = Player(still), SelectionModel(still), CommandRegistry()
    panel = MixerPanel(still, selection, actions, player)
    # As the list of objects does in the window.
    selection.objects_changed.connect(actions.refresh)
    panel.resize(800, 320)
    panel.show()
    wait_until(lambda: len(panel.strips) == 2)
    yield Desk(panel, still, selection, actions)
    player.close()
    panel.hide()


def test_the_equalizer_s_controls_are_steps_that_merge_and_its_button_lights(desk: Desk) -> None:
    first, steps = desk.project, desk.document.undo_stack.count()
    strip = desk.panel.strips[desk.ids[0]]
    plain = strip.equalizer.styleSheet()
    for _ in range(2):
        # The second press finds the window that the first one opened.
        QTest.mouseClick(strip.equalizer, LEFT)
    dialog = desk.dialog(EqualizerDialog)
    QTest.keyClick(dialog.high_pass, Qt.Key.Key_Space)
    dialog.high_pass_hz.setValue(150.0)
    dialog.bell_db.setValue(-4.5)
    # Enter after a number presses no button.
    QTest.keyClick(dialog.bell_db, Qt.Key.Key_Return)
    equalizer = desk.project.object(desk.ids[0]).strip.equalizer
    assert (equalizer.high_pass_hz, equalizer.bell_db, equalizer.low_pass_hz) == (150.0, -4.5, None)
    assert strip.equalizer.styleSheet() != plain
    assert desk.document.undo_stack.count() == steps + 1
    desk.document.undo()
    assert desk.project == first
    assert not dialog.high_pass.isChecked()
    assert strip.equalizer.styleSheet() == plain
    desk.document.commit("Delete", desk.project.without_objects([desk.ids[0]]))
    assert not dialog.isVisible()


def test_a_send_shows_the_reverb_s_strip_and_a_double_click_takes_it_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What goes wrong in a slot is only printed by Qt.
    errors: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: errors.append(error))
    assert not desk.panel.reverb.isVisible()
    strip = desk.panel.strips[desk.ids[1]]
    strip.send.setValue(-120)
    assert desk.project.object(desk.ids[1]).strip.send_db == -12.0
    assert desk.panel.reverb.isVisible()
    desk.panel.reverb.fader.setValue(-60)
    assert desk.project.master.reverb.gain_db == -6.0
    for _ in range(2):
        QTest.mouseClick(desk.panel.reverb.button, LEFT)
    dialog = desk.dialog(ReverbDialog)
    dialog.decay.setValue(2.5)
    assert desk.project.master.reverb.decay_s == 2.5
    dialog.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert desk.panel.findChildren(ReverbDialog) == []
    QTest.mouseDClick(strip.send, LEFT)
    assert desk.project.object(desk.ids[1]).strip.send_db == -60.0
    assert not desk.panel.reverb.isVisible()
    assert errors == []


def test_selected_strips_get_a_fader_in_common_and_leave_it_as_loud_as_they_are(desk: Desk) -> None:
    first, ids = desk.project, desk.ids
    desk.selection.select_objects(ids)
    desk.actions["mixer.group"].trigger()
    ((group_id, strip),) = desk.panel.groups.items()
    strip.fader.setValue(-60)
    QTest.mouseClick(strip.button, LEFT)
    assert desk.project.group(group_id).gain_db == -6.0
    assert desk.project.group(group_id).muted
    assert all(desk.project.heard_strip(each).gain_db == -6.0 for each in ids)
    desk.document.commit("Delete both", desk.project.without_objects(ids))
    assert desk.panel.groups == {}
    desk.document.undo()
    wait_until(lambda: len(desk.panel.strips) == 2)
    (strip,) = desk.panel.groups.values()
    desk.selection.select_objects(())
    QTest.mouseClick(strip, LEFT, pos=strip.rect().topLeft() + strip._name.pos())
    assert set(desk.selection.object_ids) == set(ids)
    heard = [desk.project.heard_strip(each) for each in ids]
    desk.actions["mixer.ungroup"].trigger()
    assert desk.project.master.groups == ()
    assert desk.panel.groups == {}
    assert [(s.gain_db, s.muted) for s in map(desk.project.heard_strip, ids)] == [(s.gain_db, s.muted) for s in heard]
    while desk.document.undo_stack.canUndo() and desk.project != first:
        desk.document.undo()
    assert desk.project == first


def test_one_object_is_no_group(desk: Desk) -> None:
    desk.selection.select_objects(desk.ids[:1])
    desk.actions["mixer.group"].trigger()
    assert desk.project.master.groups == ()


def test_a_pan_that_is_a_curve_is_not_set_by_hand(desk: Desk) -> None:
    curve = (CurvePoint(time_s=1.0, value=0.5),)
    desk.document.commit("Curve", desk.project.with_strip(desk.ids[0], pan_curve=curve))
    assert not desk.panel.strips[desk.ids[0]].pan.isEnabled()
    assert desk.panel.strips[desk.ids[1]].pan.isEnabled()


def test_the_gain_of_every_strip_can_be_read(desk: Desk, qapp: QApplication) -> None:
    # A spin box without buttons, styled as it is here, leaves one pixel to its text.
    apply_theme(qapp, "dark")
    strip = desk.panel.strips[desk.ids[0]]
    strip.send.setValue(-120)
    try:
        for box in desk.panel.findChildren(QDoubleSpinBox):
            if box.isVisible():
                assert box.lineEdit().width() > box.fontMetrics().horizontalAdvance("-60.0") - 4, box.accessibleName()
    finally:
        qapp.setStyleSheet("")
