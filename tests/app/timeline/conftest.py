"""A timeline of two lanes under a real mouse."""

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

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.timeline_panel import TimelinePanel
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.timeline import Clip

PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
RATE = 16_000


@dataclasses.dataclass
class TwoLanes:
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
def two_lanes(still: Document, qapp: QApplication) -> Iterator[TwoLanes]:
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
    # A scale that tests can count with.
    panel._show(TimelineView(scale=60.0))
    yield TwoLanes(panel, document, selection, actions, player)
    panel.close_background()
    player.close()
    panel.hide()
