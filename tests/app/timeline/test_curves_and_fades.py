"""Curves, fades, ripple and reverse under a real mouse and real keys."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QMenu

from sounddesk.app.timeline.clip_dialog import ClipDialog
from sounddesk.app.timeline.timeline_curves import place_of
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.automation import share_of
from sounddesk.domain.curve_edits import CurveRef
from tests.app.conftest import wait_until
from tests.app.timeline.conftest import SHIFT
from tests.app.timeline.conftest import TwoLanes


def right_click(desk: TwoLanes, point: QPoint) -> None:
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, desk.panel.mapToGlobal(point))
    QApplication.sendEvent(desk.panel, event)


def on_lane(desk: TwoLanes, row: int, time_s: float, value_db: float) -> QPoint:
    """Where a value of a lane's volume curve is drawn."""
    ref = CurveRef(of="volume", id=desk.lanes[row])
    point = CurvePoint(time_s=time_s, value=value_db)
    return place_of(desk.panel.view, desk.project, ref, point).toPoint()


def volume_of(desk: TwoLanes, row: int) -> tuple[CurvePoint, ...]:
    return desk.project.object(desk.lanes[row]).strip.volume_curve


def test_a_click_adds_a_point_a_drag_moves_it_a_right_click_removes_it(two_lanes: TwoLanes) -> None:
    first, steps = two_lanes.project, two_lanes.document.undo_stack.count()
    two_lanes.actions["timeline.curves_volume"].trigger()
    two_lanes.click(on_lane(two_lanes, 0, 2.0, 0.0))
    (point,) = volume_of(two_lanes, 0)
    assert point.time_s == pytest.approx(2.0, abs=0.02)
    assert point.value == pytest.approx(0.0, abs=1.0)
    two_lanes.click(on_lane(two_lanes, 0, 6.0, -12.0))
    two_lanes.drag(on_lane(two_lanes, 0, 2.0, point.value), on_lane(two_lanes, 0, 3.0, -24.0), SHIFT)
    moved = volume_of(two_lanes, 0)[0]
    assert moved.time_s == pytest.approx(3.0, abs=0.02)
    # A pixel of the lane is a decibel or two down there.
    assert moved.value == pytest.approx(-24.0, abs=2.5)
    # Not past its neighbour.
    two_lanes.drag(on_lane(two_lanes, 0, 3.0, moved.value), on_lane(two_lanes, 0, 9.0, moved.value), SHIFT)
    assert volume_of(two_lanes, 0)[0].time_s < volume_of(two_lanes, 0)[1].time_s
    assert two_lanes.document.undo_stack.count() == steps + 4
    right_click(two_lanes, on_lane(two_lanes, 0, volume_of(two_lanes, 0)[1].time_s, volume_of(two_lanes, 0)[1].value))
    assert len(volume_of(two_lanes, 0)) == 1
    two_lanes.actions["timeline.delete"].trigger()
    assert volume_of(two_lanes, 0) == ()
    assert len(two_lanes.project.clips) == 2
    while two_lanes.document.undo_stack.index() > steps:
        two_lanes.document.undo()
    assert two_lanes.project == first


def test_escape_puts_a_point_back(two_lanes: TwoLanes) -> None:
    two_lanes.actions["timeline.curves_volume"].trigger()
    QTest.mousePress(two_lanes.panel, Qt.MouseButton.LeftButton, pos=on_lane(two_lanes, 1, 2.0, -6.0))
    assert len(volume_of(two_lanes, 1)) == 1
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Escape)
    QTest.mouseRelease(two_lanes.panel, Qt.MouseButton.LeftButton, pos=on_lane(two_lanes, 1, 2.0, -6.0))
    assert volume_of(two_lanes, 1) == ()


def test_curves_from_the_keyboard_alone(two_lanes: TwoLanes) -> None:
    two_lanes.selection.select_objects([two_lanes.lanes[0]])
    two_lanes.actions["timeline.curves_pan"].trigger()
    for time_s in (1.0, 3.0):
        two_lanes.player.seek(time_s)
        two_lanes.actions["timeline.add_point"].trigger()
    for _ in range(50):
        two_lanes.actions["timeline.louder"].trigger()
    two_lanes.actions["timeline.nudge_right"].trigger()
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Left)
    assert two_lanes.player.position_s == pytest.approx(1.0)
    assert two_lanes.panel.accessibleDescription().startswith("pan of left, point 1 of 2, C at 1.00 s; ")
    two_lanes.actions["timeline.softer"].trigger()
    curve = two_lanes.project.object(two_lanes.lanes[0]).strip.pan_curve
    assert [(point.time_s, point.value) for point in curve] == [(1.0, -0.01), (pytest.approx(3.04), 0.5)]
    two_lanes.actions["timeline.clear_curve"].trigger()
    assert two_lanes.project.object(two_lanes.lanes[0]).strip.pan_curve == ()


def test_a_clip_s_gain_is_drawn_over_it_and_moves_with_it(two_lanes: TwoLanes) -> None:
    two_lanes.actions["timeline.curves_clip"].trigger()
    rect = two_lanes.panel.clip_rect(two_lanes.project.clip("first"))
    high = round((1 - share_of(0.0, kind="volume")) * rect.height())
    two_lanes.click(two_lanes.on("first", 2.0, down=high))
    (point,) = two_lanes.project.clip("first").envelope
    assert point.time_s == pytest.approx(1.0, abs=0.02)
    # Keys go on with it until something else is clicked on.
    assert two_lanes.selection.clip_ids == ("first",)
    assert two_lanes.panel.curves.chosen_point is not None
    two_lanes.click(QPoint(20, two_lanes.panel.height() - 4))
    assert two_lanes.panel.curves.chosen_point is None
    two_lanes.actions["timeline.curves_off"].trigger()
    two_lanes.drag(two_lanes.on("first", 2.0), two_lanes.on("first", 2.0) + QPoint(60, 0), SHIFT)
    assert two_lanes.project.clip("first").envelope == (point,)
    assert two_lanes.project.clip("first").start_s == pytest.approx(2.0)


def test_a_fade_gets_its_shape_from_its_corner_s_menu(two_lanes: TwoLanes) -> None:
    clip = two_lanes.project.clip("first")
    two_lanes.document.commit("Fade", two_lanes.project.with_clip(dataclasses.replace(clip, fade_in_s=0.5)))
    right_click(two_lanes, two_lanes.on("first", 1.5, down=4))
    menus: list[QMenu] = []
    wait_until(lambda: bool(menus.append(QApplication.activePopupWidget()) or menus[-1]))
    actions = {action.text(): action for action in menus[-1].actions()}
    assert actions["Equal power"].isChecked()
    actions["S curve"].trigger()
    menus[-1].close()
    assert two_lanes.project.clip("first").fade_in_curve == "s"
    assert two_lanes.document.undo_stack.undoText() == "Shape of the fade"


def test_overlapping_clips_cross_on_the_lane_and_the_corner_follows(two_lanes: TwoLanes) -> None:
    second = dataclasses.replace(two_lanes.project.clip("second"), object_id=two_lanes.lanes[0], start_s=2.5)
    two_lanes.document.commit("Overlap", two_lanes.project.with_clip(second))
    assert two_lanes.project.fades["first"].out_s == pytest.approx(0.5)
    corner = two_lanes.panel.view.fade_handle(two_lanes.project, two_lanes.project.clip("first"), fade_in=False)
    assert corner.center().x() == pytest.approx(two_lanes.panel.view.x_of(2.5))
    two_lanes.actions["timeline.crossfades"].trigger()
    assert two_lanes.project.fades["first"].out_s == 0.0
    assert not two_lanes.actions["timeline.crossfades"].isChecked()
    two_lanes.document.undo()
    assert two_lanes.actions["timeline.crossfades"].isChecked()


def test_numbers_of_clips_change_what_was_changed_and_nothing_else(two_lanes: TwoLanes) -> None:
    two_lanes.actions["timeline.select_all"].trigger()
    two_lanes.actions["timeline.numbers"].trigger()
    (dialog,) = two_lanes.panel.findChildren(ClipDialog)
    dialog.fade_in.setValue(0.25)
    dialog.fade_in_curve.setCurrentIndex(dialog.fade_in_curve.findData("exponential"))
    dialog.gain.setValue(-3.0)
    QTest.mouseClick(
        dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton
    )
    for clip, start_s in zip(two_lanes.project.clips, (1.0, 4.0), strict=True):
        assert (clip.fade_in_s, clip.fade_in_curve, clip.gain_db, clip.start_s) == (0.25, "exponential", -3.0, start_s)
    two_lanes.document.undo()
    assert all(clip.fade_in_s == 0.0 for clip in two_lanes.project.clips)


def test_reversed_clips_say_so_and_come_back(two_lanes: TwoLanes) -> None:
    trimmed = dataclasses.replace(two_lanes.project.clip("first"), offset_s=0.25, duration_s=1.0)
    two_lanes.document.commit("Trim", two_lanes.project.with_clip(trimmed))
    two_lanes.selection.select_clips(["first"])
    two_lanes.actions["timeline.reverse"].trigger()
    assert two_lanes.project.clip("first").reversed
    assert two_lanes.project.clip("first").offset_s == pytest.approx(0.75)
    two_lanes.actions["timeline.reverse"].trigger()
    assert two_lanes.project.clip("first") == trimmed


def test_a_reversed_sound_lands_on_markers_by_its_own_loudest_moment(two_lanes: TwoLanes) -> None:
    two_lanes.selection.select_objects([two_lanes.lanes[0]])
    two_lanes.selection.select_clips(["first"])
    two_lanes.actions["timeline.reverse"].trigger()
    two_lanes.player.seek(5.0)
    two_lanes.actions["timeline.marker"].trigger()
    two_lanes.actions["timeline.at_markers"].trigger()
    (clip,) = two_lanes.project.clips_of(two_lanes.lanes[0])
    # Its one loud sample is half a second after the take's beginning: 1.5 s into the take backwards.
    assert clip.start_s - clip.offset_s + 1.5 == pytest.approx(5.0, abs=0.01)


def on_one_lane(desk: TwoLanes) -> None:
    """Both clips on the first lane: 1 to 3 s and 4 to 6 s."""
    second = dataclasses.replace(desk.project.clip("second"), object_id=desk.lanes[0])
    desk.document.commit("One lane", desk.project.with_clip(second))
    desk.actions["timeline.ripple"].trigger()


def test_ripple_closes_the_gap_of_what_is_deleted(two_lanes: TwoLanes) -> None:
    on_one_lane(two_lanes)
    two_lanes.selection.select_clips(["first"])
    two_lanes.actions["timeline.delete"].trigger()
    assert two_lanes.project.clip("second").start_s == pytest.approx(2.0)
    two_lanes.document.undo()
    assert two_lanes.project.clip("second").start_s == 4.0


def test_ripple_makes_room_for_what_is_pasted_and_cuts_what_sounds_there(two_lanes: TwoLanes) -> None:
    on_one_lane(two_lanes)
    two_lanes.selection.select_clips(["second"])
    two_lanes.actions["timeline.copy"].trigger()
    two_lanes.player.seek(2.0)
    two_lanes.actions["timeline.paste"].trigger()
    places = [(clip.start_s, clip.end_s) for clip in two_lanes.project.clips_of(two_lanes.lanes[0])]
    assert places == [(1.0, 2.0), (2.0, 4.0), (4.0, 5.0), (6.0, 8.0)]


def test_ripple_carries_along_what_follows_a_drag(two_lanes: TwoLanes) -> None:
    on_one_lane(two_lanes)
    two_lanes.drag(two_lanes.on("first", 2.0), two_lanes.on("first", 2.0) + QPoint(60, 0), SHIFT)
    assert [clip.start_s for clip in two_lanes.project.clips] == [pytest.approx(2.0), pytest.approx(5.0)]
    two_lanes.actions["timeline.ripple"].trigger()
    two_lanes.drag(two_lanes.on("first", 3.0), two_lanes.on("first", 3.0) - QPoint(60, 0), SHIFT)
    assert [clip.start_s for clip in two_lanes.project.clips] == [pytest.approx(1.0), pytest.approx(5.0)]


def test_j_k_and_l_wind(two_lanes: TwoLanes) -> None:
    player, actions = two_lanes.player, two_lanes.actions
    player.seek(1.0)
    actions["transport.shuttle"].trigger()
    assert player.speed == 1
    actions["transport.shuttle"].trigger()
    actions["transport.shuttle"].trigger()
    assert player.speed == 4
    wait_until(lambda: player.position_s > 2.0)
    actions["transport.shuttle_back"].trigger()
    assert player.speed == -1
    actions["transport.shuttle_back"].trigger()
    turned_s = player.position_s
    wait_until(lambda: player.position_s < turned_s - 0.2)
    actions["transport.stop"].trigger()
    assert player.speed == 0
    stopped_s = player.position_s
    assert 0.0 < stopped_s < turned_s
    # Back to the very start, where it stops by itself.
    for _ in range(4):
        actions["transport.shuttle_back"].trigger()
    wait_until(lambda: not player.is_playing)
    assert player.position_s == 0.0


def test_a_wheel_or_a_click_beside_the_lanes_adds_no_point(two_lanes: TwoLanes) -> None:
    two_lanes.actions["timeline.curves_volume"].trigger()
    two_lanes.click(QPoint(20, 60))
    two_lanes.click(QPointF(two_lanes.panel.view.x_of(2.0), 5.0).toPoint())
    two_lanes.click(QPoint(300, two_lanes.panel.height() - 4))
    assert all(each.strip.volume_curve == () for each in two_lanes.project.objects)
