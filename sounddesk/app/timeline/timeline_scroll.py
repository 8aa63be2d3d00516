"""The timeline between its scroll bars; ruler and headers of lanes stay in view."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QScrollBar
from PySide6.QtWidgets import QWidget

from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.timeline.timeline_overview import TimelineOverview
from sounddesk.app.timeline.timeline_panel import TimelinePanel
from sounddesk.app.timeline.timeline_view import NAMES_WIDTH
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT

# A scroll bar counts in whole steps.
_STEPS_PER_S: Final = 100


class TimelineScroll(QWidget):
    """Shows which part of the timeline is in sight, and scrolls to another one."""

    def __init__(self, document: Document, player: Player, panel: TimelinePanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self.across = QScrollBar(Qt.Orientation.Horizontal, self)
        self.across.setAccessibleName(self.tr("Part of the timeline in sight"))
        self.down = QScrollBar(Qt.Orientation.Vertical, self)
        self.down.setAccessibleName(self.tr("Lanes in sight"))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        grid.addWidget(panel, 0, 0)
        grid.addWidget(self.down, 0, 1)
        self.overview = TimelineOverview(document, player, panel, self)
        grid.addWidget(self.overview, 1, 0)
        grid.addWidget(self.across, 2, 0)
        self.across.valueChanged.connect(lambda value: panel.show_from(left_s=value / _STEPS_PER_S))
        self.down.valueChanged.connect(lambda value: panel.show_from(top=value))
        panel.view_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        view, panel = self._panel.view, self._panel
        shown_s = max(0.1, (panel.width() - NAMES_WIDTH) / view.scale)
        end_s = max(self._document.project.settings.timeline_s, view.left_s + shown_s)
        lanes, room = view.lanes_height(panel.n_lanes), max(1, panel.height() - RULER_HEIGHT)
        for bar, value, page, whole in (
            (self.across, view.left_s * _STEPS_PER_S, shown_s * _STEPS_PER_S, end_s * _STEPS_PER_S),
            (self.down, view.top, room, lanes),
        ):
            with QSignalBlocker(bar):
                bar.setPageStep(round(page))
                bar.setSingleStep(max(1, round(page / 10)))
                bar.setRange(0, max(0, round(whole - page)))
                bar.setValue(round(value))
            bar.setEnabled(bar.maximum() > 0)
