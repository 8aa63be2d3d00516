"""The timeline under a real mouse and real keys: what each gesture makes of the project."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QInputDialog

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.timeline_panel import TimelinePanel
from sounddesk.app.timeline.timeline_view import MARKERS_HEIGHT
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT
from sounddesk.app.timeline.transport_bar import TransportBar
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker

PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
RATE = 16_000


@dataclasses.dataclass
class Desk:
    """A timeline of two lanes with a clip of 2 s on each: `first` from 1 s, `second` from 4 s."""

    panel: TimelinePanel
    document: Document
    selection: SelectionModel
    actions: CommandRegistry
    player: Player

    @property
    def project(self) -> Project:
        return self.document.project

    @property
    def lanes(self) -> list[str]:
        return [each.id for each in self.project.objects]

    def at(self, time_s: float, y: float) -> QPoint:
        return QPoint(round(self.panel.view.x_of(time_s)), round(y))

    def on(self, clip_id: str, time_s: float, *, down: float = 30) -> QPoint:
        """A point on a clip at a time of the timeline, `down` pixels below its top."""
        return self.at(time_s, self.panel.clip_rect(self.project.clip(clip_id)).top() + down)

    def drag(self, start: QPoint, end: QPoint, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
        QTest.mousePress(self.panel, Qt.MouseButton.LeftButton, modifiers, start)
        for share in (0.5, 1.0):
            point = QPointF(start) + share * (QPointF(end) - QPointF(start))
            # `QTest.mouseMove` knows no modifiers.
            there = QPointF(self.panel.mapToGlobal(point))
            moved = QMouseEvent(
                QEvent.Type.MouseMove, point, there, Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, modifiers
            )
            QApplication.sendEvent(self.panel, moved)
        QTest.mouseRelease(self.panel, Qt.MouseButton.LeftButton, modifiers, end)

    def click(self, point: QPoint, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
        QTest.mouseClick(self.panel, Qt.MouseButton.LeftButton, modifiers, point)


@pytest.fixture
def desk(still: Document, qapp: QApplication) -> Iterator[Desk]:
    document = still
    selection, actions, player = SelectionModel(document), CommandRegistry(), Player(document)
    panel = TimelinePanel(document, selection, actions, player)
    panel.resize(1000, 200)
    panel.show()
    project = document.project
    clips = zip(("first", "second"), project.objects, (1.0, 4.0), strict=True)
    for name, lane, start_s in clips:
        waveform = np.zeros(2 * RATE, np.float32)
        waveform[RATE // 2] = 0.8
        take = Take(
            id=f"take {name}",
            object_id=lane.id,
            number=1,
            seed=1,
            waveform=waveform,
            sample_rate_hz=RATE,
            recipe={},
            created="2026-01-01",
        )
        document.add_take(take)
        project = project.with_clip(Clip(id=name, object_id=lane.id, take_id=take.id, start_s=start_s, duration_s=2.0))
    document.commit("Clips", project)
    yield Desk(panel, document, selection, actions, player)
    panel.close_background()
    player.close()
    panel.hide()


def test_a_clip_snaps_to_the_other_lane_s_edge_by_either_end(desk: Desk) -> None:
    # Its end comes to 3.95 s, 3 pixels before the other one's start.
    desk.drag(desk.on("first", 2.0), desk.on("first", 2.0) + QPoint(57, 0))
    assert desk.project.clip("first").end_s == 4.0
    desk.drag(desk.on("second", 5.0), desk.on("second", 5.0) + QPoint(70, 0), SHIFT)
    assert desk.project.clip("second").start_s == pytest.approx(4.0 + 70 / 60)


def test_without_snapping_it_goes_by_frames_no_more(desk: Desk) -> None:
    desk.actions["timeline.snap"].trigger()
    desk.drag(desk.on("first", 2.0), desk.on("first", 2.0) + QPoint(31, 0))
    assert desk.project.clip("first").start_s == pytest.approx(1.0 + 31 / 60)


def test_selected_clips_move_together_in_one_step(desk: Desk) -> None:
    desk.click(desk.on("first", 2.0))
    desk.click(desk.on("second", 5.0), CONTROL)
    steps = desk.document.undo_stack.count()
    desk.drag(desk.on("second", 5.0), desk.on("second", 5.0) + QPoint(60, 0))
    assert [desk.project.clip(each).start_s for each in ("first", "second")] == [2.0, 5.0]
    assert desk.document.undo_stack.count() == steps + 1
    assert set(desk.selection.clip_ids) == {"first", "second"}


def test_alt_drag_leaves_the_clip_and_moves_a_copy(desk: Desk) -> None:
    desk.drag(desk.on("first", 2.0), desk.on("first", 2.0) + QPoint(240, 0), ALT)
    assert sorted(clip.start_s for clip in desk.project.clips_of(desk.lanes[0])) == [1.0, 5.0]
    assert desk.document.undo_stack.undoText() == "Copy clips"
    desk.document.undo()
    assert len(desk.project.clips) == 2


def test_an_alt_click_copies_nothing(desk: Desk) -> None:
    before = desk.project
    desk.click(desk.on("first", 2.0), ALT)
    assert desk.project == before
    assert not desk.document.in_gesture


def test_corners_fade_and_edges_trim(desk: Desk) -> None:
    desk.drag(desk.on("first", 1.13, down=4), desk.on("first", 1.13, down=4) + QPoint(30, 0))
    assert desk.project.clip("first").fade_in_s == pytest.approx(0.5)
    desk.drag(desk.on("first", 2.87, down=4), desk.on("first", 2.87, down=4) - QPoint(24, 0))
    assert desk.project.clip("first").fade_out_s == pytest.approx(0.4)
    desk.drag(desk.on("first", 2.98), desk.on("first", 2.98) - QPoint(60, 0))
    clip = desk.project.clip("first")
    assert (clip.start_s, clip.duration_s, clip.fade_in_s) == (1.0, 1.0, 0.5)
    assert desk.document.undo_stack.undoText() == "Trim clip"


def test_a_clip_dragged_past_the_end_makes_the_timeline_longer(desk: Desk) -> None:
    desk.drag(desk.on("second", 5.0), desk.on("second", 5.0) + QPoint(60 * 6, 0))
    assert desk.project.clip("second").end_s == 12.0
    assert desk.project.settings.timeline_s == 12.0
    desk.document.undo()
    assert desk.project.settings.timeline_s == 10.0


def test_the_ruler_seeks_on_a_click_and_loops_on_a_drag(desk: Desk) -> None:
    desk.click(desk.at(3.0, RULER_HEIGHT - 6))
    assert desk.player.position_s == pytest.approx(3.0)
    assert desk.player.loop_s is None
    desk.drag(desk.at(6.5, RULER_HEIGHT - 6), desk.at(2.02, RULER_HEIGHT - 6))
    assert desk.player.loop_s == pytest.approx((2.02, 6.5), abs=0.03)
    assert desk.player.is_looping
    assert desk.actions["transport.loop"].isChecked()
    desk.actions["transport.loop"].trigger()
    assert not desk.player.is_looping
    QTest.keyClick(desk.panel, Qt.Key.Key_Escape)
    assert desk.player.loop_s is None


def test_dragging_the_playhead_scrubs(desk: Desk) -> None:
    desk.player.seek(2.0)
    heard = []
    desk.player.playing_changed.connect(heard.append)
    desk.drag(desk.at(2.0, RULER_HEIGHT - 6), desk.at(4.5, RULER_HEIGHT - 6))
    assert desk.player.position_s == pytest.approx(4.5, abs=0.02)
    assert heard
    assert heard[-1] is False
    assert not desk.player.is_playing


def test_the_end_of_the_timeline_is_dragged(desk: Desk) -> None:
    desk.drag(desk.at(10.0, RULER_HEIGHT - 6), desk.at(8.0, RULER_HEIGHT - 6))
    assert desk.project.settings.timeline_s == 8.0


def test_markers_are_made_moved_named_and_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    QTest.mouseDClick(desk.panel, Qt.MouseButton.LeftButton, PLAIN, desk.at(2.5, MARKERS_HEIGHT / 2))
    (marker,) = desk.project.markers
    assert marker.time_s == pytest.approx(2.5, abs=0.021)
    desk.drag(desk.at(marker.time_s, 5) + QPoint(2, 0), desk.at(3.98, 5) + QPoint(2, 0))
    assert desk.project.markers[0].time_s == 4.0
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args: ("impact", True))
    desk.actions["timeline.rename_marker"].trigger()
    assert desk.project.markers[0].label == "impact"
    desk.actions["timeline.delete"].trigger()
    assert desk.project.markers == ()
    assert desk.project.clips


def test_copy_paste_and_duplicate(desk: Desk) -> None:
    desk.click(desk.on("first", 2.0))
    desk.actions["timeline.copy"].trigger()
    desk.player.seek(6.0)
    desk.actions["timeline.paste"].trigger()
    pasted = desk.project.clip(desk.selection.clip_ids[0])
    assert (pasted.start_s, pasted.take_id) == (6.0, "take first")
    desk.actions["timeline.duplicate"].trigger()
    assert desk.project.clip(desk.selection.clip_ids[0]).start_s == 8.0
    desk.actions["timeline.cut"].trigger()
    assert len(desk.project.clips) == 3


def test_pasting_what_is_no_clip_says_so(desk: Desk, told: list[str]) -> None:
    for text in ("no clip", "", "sounddesk clips [", "sounddesk clips [3]", 'sounddesk clips [{"id": 4}]'):
        QApplication.clipboard().setText(text)
        desk.actions["timeline.paste"].trigger()
        assert "no clips" in told.pop()


def test_place_at_markers_puts_the_peak_on_each(desk: Desk) -> None:
    desk.document.commit(
        "Markers", desk.project.with_marker(Marker(id="m1", time_s=3.0)).with_marker(Marker(id="m2", time_s=7.0))
    )
    desk.click(desk.on("first", 2.0))
    desk.actions["timeline.at_markers"].trigger()
    # The peak is half a second into the take.
    assert [clip.start_s for clip in desk.project.clips_of(desk.lanes[0])] == [2.5, 6.5]


def test_a_marquee_selects_what_it_touches(desk: Desk) -> None:
    desk.drag(desk.at(7.5, 190), desk.at(0.5, RULER_HEIGHT + 3))
    assert set(desk.selection.clip_ids) == {"first", "second"}


def test_keys_go_from_clip_to_clip_and_change_gain(desk: Desk) -> None:
    desk.panel.setFocus()
    desk.selection.select_objects([desk.lanes[0]])
    QTest.keyClick(desk.panel, Qt.Key.Key_Right)
    assert desk.selection.clip_ids == ("first",)
    desk.actions["timeline.softer"].trigger()
    desk.actions["timeline.softer"].trigger()
    assert desk.project.clip("first").gain_db == -2.0
    assert desk.document.undo_stack.undoText() == "Clip gain"
    QTest.keyClick(desk.panel, Qt.Key.Key_Down)
    assert desk.selection.current_object_id == desk.lanes[1]


def test_escape_in_the_middle_of_a_drag_puts_the_clip_back(desk: Desk) -> None:
    before = desk.project
    start = desk.on("first", 2.0)
    QTest.mousePress(desk.panel, Qt.MouseButton.LeftButton, PLAIN, start)
    QTest.mouseMove(desk.panel, start + QPoint(50, 0))
    assert desk.project != before
    QTest.keyClick(desk.panel, Qt.Key.Key_Escape)
    QTest.mouseMove(desk.panel, start + QPoint(90, 0))
    QTest.mouseRelease(desk.panel, Qt.MouseButton.LeftButton, PLAIN, start)
    assert desk.project == before


@pytest.mark.parametrize("unit", ["seconds", "timecode", "frames"])
def test_every_ruler_and_the_spectrograms_are_drawn(desk: Desk, unit: str) -> None:
    plain = desk.panel.grab().toImage()
    desk.actions[f"timeline.unit_{unit}"].trigger()
    desk.actions["timeline.spectrograms"].trigger()
    for _ in range(6):
        desk.actions["timeline.zoom_in"].trigger()
        desk.panel.grab()
    desk.actions["timeline.zoom_fit"].trigger()
    assert desk.panel.grab().toImage() != plain
    assert desk.panel.unit == unit


def test_the_transport_bar_tells_the_time_and_goes_where_it_is_told(desk: Desk, told: list[str]) -> None:
    bar = TransportBar(desk.document, desk.player, desk.actions, desk.panel)
    desk.player.seek(2.5)
    assert bar.time.text() == "2.5 s"
    desk.panel.set_unit("timecode")
    assert bar.time.text() == "00:00:02:12"
    bar.time.setText("00:00:04:05")
    bar.time.returnPressed.emit()
    assert desk.player.position_s == pytest.approx(4.2)
    bar.time.setText("later")
    bar.time.returnPressed.emit()
    assert "later" in told[0]
    assert bar.time.text() == "00:00:04:05"
    bar.deleteLater()
