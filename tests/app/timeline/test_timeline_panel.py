"""The timeline under a real mouse and real keys: what each gesture makes of the project."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QEvent
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDragMoveEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QInputDialog

from sounddesk.app.takes.take_list import TAKE_MIME
from sounddesk.app.timeline.timeline_view import MARKERS_HEIGHT
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT
from sounddesk.app.timeline.transport_bar import TransportBar
from sounddesk.domain.timeline import Marker
from tests.app.conftest import wait_until
from tests.app.timeline.conftest import ALT
from tests.app.timeline.conftest import CONTROL
from tests.app.timeline.conftest import PLAIN
from tests.app.timeline.conftest import SHIFT
from tests.app.timeline.conftest import TwoLanes


def test_a_clip_snaps_to_the_other_lane_s_edge_by_either_end(two_lanes: TwoLanes) -> None:
    # Its end comes to 3.95 s, 3 pixels before the other one's start.
    two_lanes.drag(two_lanes.on("first", 2.0), two_lanes.on("first", 2.0) + QPoint(57, 0))
    assert two_lanes.project.clip("first").end_s == 4.0
    two_lanes.drag(two_lanes.on("second", 5.0), two_lanes.on("second", 5.0) + QPoint(70, 0), SHIFT)
    assert two_lanes.project.clip("second").start_s == pytest.approx(4.0 + 70 / 60)


def test_without_snapping_it_goes_by_frames_no_more(two_lanes: TwoLanes) -> None:
    two_lanes.actions["timeline.snap"].trigger()
    two_lanes.drag(two_lanes.on("first", 2.0), two_lanes.on("first", 2.0) + QPoint(31, 0))
    assert two_lanes.project.clip("first").start_s == pytest.approx(1.0 + 31 / 60)


def test_selected_clips_move_together_in_one_step(two_lanes: TwoLanes) -> None:
    two_lanes.click(two_lanes.on("first", 2.0))
    two_lanes.click(two_lanes.on("second", 5.0), CONTROL)
    steps = two_lanes.document.undo_stack.count()
    two_lanes.drag(two_lanes.on("second", 5.0), two_lanes.on("second", 5.0) + QPoint(60, 0))
    assert [two_lanes.project.clip(each).start_s for each in ("first", "second")] == [2.0, 5.0]
    assert two_lanes.document.undo_stack.count() == steps + 1
    assert set(two_lanes.selection.clip_ids) == {"first", "second"}


def test_alt_drag_leaves_the_clip_and_moves_a_copy(two_lanes: TwoLanes) -> None:
    two_lanes.drag(two_lanes.on("first", 2.0), two_lanes.on("first", 2.0) + QPoint(240, 0), ALT)
    assert sorted(clip.start_s for clip in two_lanes.project.clips_of(two_lanes.lanes[0])) == [1.0, 5.0]
    assert two_lanes.document.undo_stack.undoText() == "Copy clips"
    two_lanes.document.undo()
    assert len(two_lanes.project.clips) == 2


def test_an_alt_click_copies_nothing(two_lanes: TwoLanes) -> None:
    before = two_lanes.project
    two_lanes.click(two_lanes.on("first", 2.0), ALT)
    assert two_lanes.project == before
    assert not two_lanes.document.in_gesture


def test_corners_fade_and_edges_trim(two_lanes: TwoLanes) -> None:
    two_lanes.drag(two_lanes.on("first", 1.13, down=4), two_lanes.on("first", 1.13, down=4) + QPoint(30, 0))
    assert two_lanes.project.clip("first").fade_in_s == pytest.approx(0.5)
    two_lanes.drag(two_lanes.on("first", 2.87, down=4), two_lanes.on("first", 2.87, down=4) - QPoint(24, 0))
    assert two_lanes.project.clip("first").fade_out_s == pytest.approx(0.4)
    two_lanes.drag(two_lanes.on("first", 2.98), two_lanes.on("first", 2.98) - QPoint(60, 0))
    clip = two_lanes.project.clip("first")
    assert (clip.start_s, clip.duration_s, clip.fade_in_s) == (1.0, 1.0, 0.5)
    assert two_lanes.document.undo_stack.undoText() == "Trim clip"


def test_a_clip_dragged_past_the_end_makes_the_timeline_longer(two_lanes: TwoLanes) -> None:
    two_lanes.drag(two_lanes.on("second", 5.0), two_lanes.on("second", 5.0) + QPoint(60 * 6, 0))
    assert two_lanes.project.clip("second").end_s == 12.0
    assert two_lanes.project.settings.timeline_s == 12.0
    two_lanes.document.undo()
    assert two_lanes.project.settings.timeline_s == 10.0


def test_the_ruler_seeks_on_a_click_and_loops_on_a_drag(two_lanes: TwoLanes) -> None:
    two_lanes.click(two_lanes.at(3.0, RULER_HEIGHT - 6))
    assert two_lanes.player.position_s == pytest.approx(3.0)
    assert two_lanes.player.loop_s is None
    two_lanes.drag(two_lanes.at(6.5, RULER_HEIGHT - 6), two_lanes.at(2.02, RULER_HEIGHT - 6))
    assert two_lanes.player.loop_s == pytest.approx((2.02, 6.5), abs=0.03)
    assert two_lanes.player.is_looping
    assert two_lanes.actions["transport.loop"].isChecked()
    two_lanes.actions["transport.loop"].trigger()
    assert not two_lanes.player.is_looping
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Escape)
    assert two_lanes.player.loop_s is None


def test_dragging_the_playhead_scrubs(two_lanes: TwoLanes) -> None:
    two_lanes.player.seek(2.0)
    heard = []
    two_lanes.player.playing_changed.connect(heard.append)
    two_lanes.drag(two_lanes.at(2.0, RULER_HEIGHT - 6), two_lanes.at(4.5, RULER_HEIGHT - 6))
    assert two_lanes.player.position_s == pytest.approx(4.5, abs=0.02)
    assert heard
    assert heard[-1] is False
    assert not two_lanes.player.is_playing


def test_the_end_of_the_timeline_is_dragged(two_lanes: TwoLanes) -> None:
    two_lanes.drag(two_lanes.at(10.0, RULER_HEIGHT - 6), two_lanes.at(8.0, RULER_HEIGHT - 6))
    assert two_lanes.project.settings.timeline_s == 8.0


def test_markers_are_made_moved_named_and_deleted(two_lanes: TwoLanes, monkeypatch: pytest.MonkeyPatch) -> None:
    QTest.mouseDClick(two_lanes.panel, Qt.MouseButton.LeftButton, PLAIN, two_lanes.at(2.5, MARKERS_HEIGHT / 2))
    (marker,) = two_lanes.project.markers
    assert marker.time_s == pytest.approx(2.5, abs=0.021)
    two_lanes.drag(two_lanes.at(marker.time_s, 5) + QPoint(2, 0), two_lanes.at(3.98, 5) + QPoint(2, 0))
    assert two_lanes.project.markers[0].time_s == 4.0
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args: ("impact", True))
    two_lanes.actions["timeline.rename_marker"].trigger()
    assert two_lanes.project.markers[0].label == "impact"
    two_lanes.actions["timeline.delete"].trigger()
    assert two_lanes.project.markers == ()
    assert two_lanes.project.clips


def test_copy_paste_and_duplicate(two_lanes: TwoLanes) -> None:
    two_lanes.click(two_lanes.on("first", 2.0))
    two_lanes.actions["timeline.copy"].trigger()
    two_lanes.player.seek(6.0)
    two_lanes.actions["timeline.paste"].trigger()
    pasted = two_lanes.project.clip(two_lanes.selection.clip_ids[0])
    assert (pasted.start_s, pasted.take_id) == (6.0, "take first")
    two_lanes.actions["timeline.duplicate"].trigger()
    assert two_lanes.project.clip(two_lanes.selection.clip_ids[0]).start_s == 8.0
    two_lanes.actions["timeline.cut"].trigger()
    assert len(two_lanes.project.clips) == 3


def test_pasting_what_is_no_clip_says_so(two_lanes: TwoLanes, told: list[str]) -> None:
    for text in ("no clip", "", "sounddesk clips [", "sounddesk clips [3]", 'sounddesk clips [{"id": 4}]'):
        QApplication.clipboard().setText(text)
        two_lanes.actions["timeline.paste"].trigger()
        assert "no clips" in told.pop()


def test_place_at_markers_puts_the_peak_on_each(two_lanes: TwoLanes) -> None:
    two_lanes.document.commit(
        "Markers", two_lanes.project.with_marker(Marker(id="m1", time_s=3.0)).with_marker(Marker(id="m2", time_s=7.0))
    )
    two_lanes.click(two_lanes.on("first", 2.0))
    two_lanes.actions["timeline.at_markers"].trigger()
    # The peak is half a second into the take; of the silence around it nothing is placed.
    placed = two_lanes.project.clips_of(two_lanes.lanes[0])
    assert [(clip.start_s, clip.offset_s, clip.duration_s) for clip in placed] == [
        (3.0, 0.5, pytest.approx(0.01)), (7.0, 0.5, pytest.approx(0.01)),
    ]  # fmt: skip


def test_a_split_after_a_split(two_lanes: TwoLanes, told: list[str]) -> None:
    two_lanes.click(two_lanes.on("first", 2.0))
    for at_s in (1.5, 2.0, 2.5):
        two_lanes.player.seek(at_s)
        two_lanes.actions["timeline.split"].trigger()
    parts = [clip.start_s for clip in two_lanes.project.clips_of(two_lanes.lanes[0])]
    assert sorted(parts) == [1.0, 1.5, 2.0, 2.5]
    assert told == []
    # With no clip selected, those on the selected lane; with no lane selected either, every clip under the playhead.
    two_lanes.selection.select_clips(())
    two_lanes.drag(two_lanes.on("second", 5.0), two_lanes.on("second", 5.0) - QPoint(180, 0))
    two_lanes.selection.select_clips(())
    two_lanes.player.seek(1.25)
    two_lanes.selection.select_objects([two_lanes.lanes[1]])
    two_lanes.actions["timeline.split"].trigger()
    assert [len(two_lanes.project.clips_of(lane)) for lane in two_lanes.lanes] == [4, 2]
    two_lanes.document.undo()
    two_lanes.selection.select_objects([])
    two_lanes.actions["timeline.split"].trigger()
    assert len(two_lanes.project.clips) == 7
    looped = dataclasses.replace(two_lanes.project.clips[-1], looped=True, start_s=8.0)
    two_lanes.document.commit("Loop", two_lanes.project.with_clip(looped))
    two_lanes.player.seek(8.1)
    two_lanes.actions["timeline.split"].trigger()
    assert "looped" in told.pop()


def test_the_playhead_snaps_as_clips_do(two_lanes: TwoLanes) -> None:
    near = two_lanes.at(4.0, RULER_HEIGHT - 6) + QPoint(5, 0)
    two_lanes.click(near)
    assert two_lanes.player.position_s == 4.0
    two_lanes.drag(two_lanes.at(4.0, RULER_HEIGHT - 6), two_lanes.at(1.0, RULER_HEIGHT - 6) - QPoint(5, 0))
    assert two_lanes.player.position_s == 1.0
    two_lanes.click(near, SHIFT)
    assert two_lanes.player.position_s == pytest.approx(4.0 + 5 / 60)
    two_lanes.actions["timeline.snap"].trigger()
    two_lanes.click(near)
    assert two_lanes.player.position_s == pytest.approx(4.0 + 5 / 60)


def test_a_marquee_selects_what_it_touches(two_lanes: TwoLanes) -> None:
    two_lanes.drag(two_lanes.at(7.5, 190), two_lanes.at(0.5, RULER_HEIGHT + 3))
    assert set(two_lanes.selection.clip_ids) == {"first", "second"}


def test_keys_go_from_clip_to_clip_and_change_gain(two_lanes: TwoLanes) -> None:
    two_lanes.panel.setFocus()
    two_lanes.selection.select_objects([two_lanes.lanes[0]])
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Right)
    assert two_lanes.selection.clip_ids == ("first",)
    two_lanes.actions["timeline.softer"].trigger()
    two_lanes.actions["timeline.softer"].trigger()
    assert two_lanes.project.clip("first").gain_db == -2.0
    assert two_lanes.document.undo_stack.undoText() == "Clip gain"
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Down)
    assert two_lanes.selection.current_object_id == two_lanes.lanes[1]


def test_escape_in_the_middle_of_a_drag_puts_the_clip_back(two_lanes: TwoLanes) -> None:
    before = two_lanes.project
    start = two_lanes.on("first", 2.0)
    QTest.mousePress(two_lanes.panel, Qt.MouseButton.LeftButton, PLAIN, start)
    QTest.mouseMove(two_lanes.panel, start + QPoint(50, 0))
    assert two_lanes.project != before
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Escape)
    QTest.mouseMove(two_lanes.panel, start + QPoint(90, 0))
    QTest.mouseRelease(two_lanes.panel, Qt.MouseButton.LeftButton, PLAIN, start)
    assert two_lanes.project == before


@pytest.mark.parametrize("unit", ["seconds", "timecode", "frames"])
def test_every_ruler_and_the_spectrograms_are_drawn(two_lanes: TwoLanes, unit: str) -> None:
    plain = two_lanes.panel.grab().toImage()
    two_lanes.actions[f"timeline.unit_{unit}"].trigger()
    two_lanes.actions["timeline.spectrograms"].trigger()
    for _ in range(6):
        two_lanes.actions["timeline.zoom_in"].trigger()
        two_lanes.panel.grab()
    two_lanes.actions["timeline.zoom_fit"].trigger()
    assert two_lanes.panel.grab().toImage() != plain
    assert two_lanes.panel.unit == unit


def test_the_transport_bar_tells_the_time_and_goes_where_it_is_told(two_lanes: TwoLanes, told: list[str]) -> None:
    bar = TransportBar(two_lanes.document, two_lanes.player, two_lanes.actions, two_lanes.panel)
    two_lanes.player.seek(2.5)
    assert bar.time.text() == "2.5 s"
    two_lanes.panel.set_unit("timecode")
    assert bar.time.text() == "00:00:02:12"
    bar.time.setText("00:00:04:05")
    bar.time.returnPressed.emit()
    assert two_lanes.player.position_s == pytest.approx(4.2)
    bar.time.setText("later")
    bar.time.returnPressed.emit()
    assert "later" in told[0]
    assert bar._curves.text() == "Automation" and not bar._curves.isChecked()
    two_lanes.actions["timeline.curves_volume"].trigger()
    assert bar._curves.text() == "Volume" and bar._curves.isChecked()
    two_lanes.actions["timeline.curves_off"].trigger()
    assert bar._curves.text() == "Automation" and not bar._curves.isChecked()
    assert bar.time.text() == "00:00:04:05"
    bar.deleteLater()


def test_a_take_is_placed_where_it_is_dropped(two_lanes: TwoLanes) -> None:
    data = QMimeData()
    data.setData(TAKE_MIME, b"take first")
    # Over the other lane: a take belongs to its object, whose lane it goes to; 3 pixels from where the clip there ends.
    point = two_lanes.at(3.0, 100) + QPoint(3, 0)
    options = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, PLAIN)
    for event in (QDragEnterEvent(point, *options), QDragMoveEvent(point, *options)):
        QApplication.sendEvent(two_lanes.panel, event)
        assert event.isAccepted()
    drop = QDropEvent(QPointF(point), *options)
    QApplication.sendEvent(two_lanes.panel, drop)
    assert drop.isAccepted()
    first, dropped = two_lanes.project.clips_of(two_lanes.lanes[0])
    assert (first.start_s, dropped.start_s, dropped.take_id) == (1.0, 3.0, "take first")
    assert two_lanes.selection.clip_ids == (dropped.id,)
    two_lanes.document.undo()
    assert len(two_lanes.project.clips) == 2


def test_a_screen_reader_is_told_what_is_selected(two_lanes: TwoLanes) -> None:
    assert two_lanes.panel.accessibleDescription() == "lanes: left, right"
    two_lanes.click(two_lanes.on("first", 2.0))
    assert two_lanes.panel.accessibleDescription() == "left, take 1, from 1.00 to 3.00 s"
    two_lanes.panel.setFocus()
    QTest.keyClick(two_lanes.panel, Qt.Key.Key_Down)
    assert two_lanes.panel.accessibleDescription() == "right, take 1, from 4.00 to 6.00 s"


def test_what_a_press_would_take_hold_of_lights_up(two_lanes: TwoLanes) -> None:
    panel, view = two_lanes.panel, two_lanes.panel.view
    wait_until(lambda: len(panel._pictures._waveforms) == 2)
    plain = panel.grab().toImage()
    for place in (
        two_lanes.on("first", 2.0),
        view.flag_rect(0, solo=False).center().toPoint(),
        view.flag_rect(1, solo=True).center().toPoint(),
    ):
        QTest.mouseMove(panel, place)
        assert panel.grab().toImage() != plain
        QApplication.sendEvent(panel, QEvent(QEvent.Type.Leave))
        assert panel.grab().toImage() == plain


def test_headers_mute_and_solo_and_the_ruler_stays(two_lanes: TwoLanes) -> None:
    first, second = two_lanes.lanes
    panel = two_lanes.panel
    two_lanes.click(panel.view.flag_rect(0, solo=False).center().toPoint())
    two_lanes.click(panel.view.flag_rect(1, solo=True).center().toPoint())
    assert two_lanes.project.object(first).strip.muted
    assert two_lanes.project.object(second).strip.soloed
    assert two_lanes.document.undo_stack.undoText() == "Solo"
    panel.resize(1000, 130)
    two_lanes.actions["timeline.higher_lanes"].trigger()
    assert panel.view.lane_height == 65
    before = panel.clip_rect(two_lanes.project.clip("first")).top()
    panel.show_from(top=10_000)
    assert panel.view.top == 2 * 65 - (130 - RULER_HEIGHT)
    assert panel.clip_rect(two_lanes.project.clip("first")).top() == before - panel.view.top
    # The ruler is where it was, and the second lane is hit where it is seen.
    two_lanes.click(two_lanes.at(2.0, RULER_HEIGHT - 6), SHIFT)
    assert two_lanes.player.position_s == pytest.approx(2.0, abs=0.01)
    two_lanes.click(two_lanes.on("second", 5.0))
    assert two_lanes.selection.clip_ids == ("second",)
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Up)
    assert panel.view.lane_top(0) == RULER_HEIGHT


def test_sound_files_become_takes_of_the_lane_they_are_dropped_on(
    two_lanes: TwoLanes, tmp_path: Path, told: list[str]
) -> None:
    for name, channels in (("rain.flac", 2), ("thunder.mp3", 1)):
        sound = np.full((48_000, channels), 0.25, np.float32)
        soundfile.write(tmp_path / name, sound, 48_000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    data = QMimeData()
    names = ("broken.wav", "rain.flac", "thunder.mp3", "notes.txt")
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in names])
    point = two_lanes.at(6.5, two_lanes.panel.view.lane_top(1) + 20)
    options = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, PLAIN)
    # Qt hands a drop to the widget that took the entering.
    QApplication.sendEvent(two_lanes.panel, QDragEnterEvent(point, *options))
    drop = QDropEvent(QPointF(point), *options)
    QApplication.sendEvent(two_lanes.panel, drop)
    assert drop.isAccepted()
    lane = two_lanes.lanes[1]
    wait_until(lambda: len(two_lanes.project.clips_of(lane)) == 3 and any("broken.wav" in each for each in told))
    _, rain, thunder = two_lanes.project.clips_of(lane)
    takes = two_lanes.document.takes
    assert takes[rain.take_id].recipe["file"] == "rain.flac" and takes[rain.take_id].number == 2
    assert (rain.start_s, rain.duration_s) == (pytest.approx(6.5, abs=0.05), 1.0)
    assert thunder.start_s == pytest.approx(rain.end_s)
    assert takes[rain.take_id].waveform.mean() == pytest.approx(0.25, abs=0.01)
    assert not any("mixed to one" in line for line in told)
    # Above the lanes there is no object that they could belong to.
    above = QDropEvent(QPointF(point.x(), 4), *options)
    above.ignore()
    QApplication.sendEvent(two_lanes.panel, above)
    assert not above.isAccepted()


def test_sounds_that_are_still_read_do_not_come_into_another_project(two_lanes: TwoLanes, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "rain.wav", np.full(48_000, 0.25, np.float32), 48_000)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "rain.wav"))])
    point = QPointF(two_lanes.at(6.5, two_lanes.panel.view.lane_top(1) + 20))
    options = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, PLAIN)
    QApplication.sendEvent(two_lanes.panel, QDragEnterEvent(point.toPoint(), *options))
    drop = QDropEvent(point, *options)
    QApplication.sendEvent(two_lanes.panel, drop)
    assert drop.isAccepted()
    # One with the same lanes, as two that began alike have them.
    two_lanes.document.replace(two_lanes.project, takes=list(two_lanes.document.takes), images=[])
    reading = two_lanes.panel._drops._reading
    wait_until(lambda: not reading._worker.tickets)
    assert len(two_lanes.project.clips) == 2


def test_a_drag_of_another_program_that_calls_itself_a_take_is_refused(two_lanes: TwoLanes) -> None:
    data = QMimeData()
    data.setData(TAKE_MIME, b"\xff\xfe")
    options = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, PLAIN)
    event = QDragEnterEvent(two_lanes.at(3.0, 100), *options)
    event.ignore()
    assert not two_lanes.panel._drops.eventFilter(two_lanes.panel, event)
    assert not event.isAccepted()
