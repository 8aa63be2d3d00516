"""The whole timeline in one narrow line: clips, loop, playhead, and the part of it that is in sight."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import colour
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.timeline.timeline_panel import TimelinePanel
from sounddesk.app.timeline.timeline_view import NAMES_WIDTH

_HEIGHT: Final = 20


class TimelineOverview(QWidget):
    """There while not all of the timeline is in sight. A click or a drag brings another part into sight, a double click
    all of it.
    """

    def __init__(self, document: Document, player: Player, panel: TimelinePanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._player = player
        self._panel = panel
        self.setFixedHeight(_HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Overview of the timeline"))
        self.setToolTip(self.tr("The whole timeline: drag what is in sight, double click to see all"))
        panel.view_changed.connect(self._follow)
        document.changed.connect(self._follow)
        document.replaced.connect(self._follow)
        player.position_changed.connect(self._show_playhead)
        player.loop_changed.connect(self.update)
        self._follow()

    @property
    def seconds(self) -> float:
        """What the whole width stands for."""
        return max(0.1, self._document.project.settings.timeline_s, self._panel.view.left_s + self._shown_s)

    @property
    def _shown_s(self) -> float:
        return max(0.1, (self._panel.width() - NAMES_WIDTH) / self._panel.view.scale)

    def x_of(self, time_s: float) -> float:
        """Widget x of a time; the lanes begin behind their headers, as above."""
        return NAMES_WIDTH + time_s / self.seconds * max(1.0, self.width() - NAMES_WIDTH)

    def _show_playhead(self, _position_s: float) -> None:
        self.update()

    def _follow(self, *_states: object) -> None:
        self.setVisible(
            self._shown_s < self._document.project.settings.timeline_s - 1e-6 or self._panel.view.left_s > 0
        )
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            project = self._document.project
            left, height = float(NAMES_WIDTH), float(self.height())
            painter.fillRect(QRectF(left, 0, self.width() - left, height), colour("sunken"))
            rows = {each.id: row for row, each in enumerate(project.objects)}
            step = (height - 4) / max(1, len(rows))
            for clip in project.clips:
                x = self.x_of(clip.start_s)
                rect = QRectF(
                    x, 2 + rows[clip.object_id] * step, max(1.0, self.x_of(clip.end_s) - x), max(1.0, step - 1)
                )
                painter.fillRect(rect, QColor(project.object(clip.object_id).colour))
            if self._player.loop_s is not None:
                first, last = (self.x_of(each) for each in self._player.loop_s)
                painter.fillRect(QRectF(first, 0, last - first, height), colour("accent", alpha=60))
            view = self._panel.view
            shown = QRectF(self.x_of(view.left_s), 0.5, 0, height - 1)
            shown.setRight(self.x_of(view.left_s + self._shown_s) - 1)
            for outside in (
                QRectF(left, 0, shown.left() - left, height),
                QRectF(shown.right(), 0, self.width() - shown.right(), height),
            ):
                painter.fillRect(outside, colour("sunken", alpha=150))
            painter.setPen(colour("accent"))
            painter.drawRect(shown)
            x = self.x_of(self._player.position_s)
            painter.drawLine(QPointF(x, 0), QPointF(x, height))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self._centre(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._centre(event.position().x())

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        self._panel.fit()

    def _centre(self, x: float) -> None:
        """Bring the time at a widget x into the middle of what is in sight."""
        time_s = (x - NAMES_WIDTH) / max(1.0, self.width() - NAMES_WIDTH) * self.seconds
        self._panel.show_from(left_s=time_s - self._shown_s / 2)
