"""The buttons above the timeline: play, loop, snap, markers, and the time of the playhead."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.icons import icon
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import TITLE
from sounddesk.app.look.theme import font
from sounddesk.app.notifications import notifier
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.timeline.timeline_curves import CURVE_MODES
from sounddesk.app.timeline.timeline_panel import TimelinePanel
from sounddesk.domain.project import Project
from sounddesk.domain.timecode import TIME_UNITS
from sounddesk.domain.timecode import format_time
from sounddesk.domain.timecode import parse_time


class TransportBar(QWidget):
    """Shows the playhead's time in the ruler's unit; a time that is typed in moves it there."""

    def __init__(
        self,
        document: Document,
        player: Player,
        actions: CommandRegistry,
        timeline: TimelinePanel,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._player = player
        self._timeline = timeline
        self._actions = actions
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 2)
        row.setSpacing(4)
        for command_id in ("transport.start", "transport.play", "transport.loop"):
            row.addWidget(self._button(command_id))
        self.time = QLineEdit(self)
        self.time.setFont(font(TITLE))
        self.time.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.time.setFixedWidth(self.time.fontMetrics().horizontalAdvance("00:00:00:00") + 24)
        self.time.setAccessibleName(self.tr("Time of the playhead"))
        self.time.setToolTip(self.tr("Time of the playhead: type another one to go there"))
        self.time.returnPressed.connect(self._go)
        self.time.editingFinished.connect(self.refresh)
        row.addWidget(self.time)
        self._unit = QToolButton(self)
        self._unit.setAutoRaise(True)
        self._unit.setToolTip(self.tr("Count in seconds, timecode or frames"))
        self._unit.clicked.connect(self._next_unit)
        row.addWidget(self._unit)
        row.addSpacing(GAP)
        self._curves = self._make_curves()
        row.addWidget(self._curves)
        row.addStretch(1)
        row.addWidget(self._button("timeline.ripple", text=True))
        for name in ("timeline.snap", "timeline.marker", "timeline.at_markers"):
            row.addWidget(self._button(name))
        player.position_changed.connect(lambda _s: self.refresh())
        player.playing_changed.connect(self._show_playing)
        timeline.unit_changed.connect(self.refresh)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self.refresh)
        self._show_icons()
        self.refresh()

    def refresh(self) -> None:
        """Show the playhead's time, unless one is being typed."""
        units = {"seconds": self.tr("Seconds"), "timecode": self.tr("Timecode"), "frames": self.tr("Frames")}
        self._unit.setText(units[self._timeline.unit])
        if not (self.time.hasFocus() and self.time.isModified()):
            settings = self._document.project.settings
            text = format_time(
                self._player.position_s,
                unit=self._timeline.unit,
                rate=settings.timecode_rate,
                start_timecode_s=settings.start_timecode_s,
            )
            if text != self.time.text():
                self.time.setText(text)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_icons()

    def _button(self, command_id: str, *, text: bool = False) -> QToolButton:
        """A flat button for a command, as its icon or with its label."""
        button = command_button(QToolButton, self._actions, command_id, self)
        button.setAutoRaise(True)
        style = Qt.ToolButtonStyle.ToolButtonTextOnly if text else Qt.ToolButtonStyle.ToolButtonIconOnly
        button.setToolButtonStyle(style)
        return button

    def _make_curves(self) -> QToolButton:
        """Automation: which curve the mouse works on, or the clips. One button: the mixer beside needs the width."""
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolTip(self.tr("Automation: draw volume, pan or clip gain over the clips"))
        button.setCheckable(True)
        menu = QMenu(button)
        button.setMenu(menu)

        def show(action: QAction) -> None:
            if action.isChecked():
                drawing = action is not self._actions["timeline.curves_off"]
                button.setText(action.iconText() if drawing else self.tr("Automation"))
                button.setAccessibleName(self.tr("Automation: {what}").format(what=action.iconText()))
                button.setChecked(drawing)

        for mode in CURVE_MODES:
            action = self._actions[f"timeline.curves_{mode}"]
            menu.addAction(action)
            action.toggled.connect(lambda _on, action=action: show(action))
            show(action)
        return button

    def _show_icons(self) -> None:
        self._actions["transport.play"].setIcon(icon("stop" if self._player.is_playing else "play"))

    def _show_playing(self, _playing: bool) -> None:
        self._show_icons()
        self.refresh()

    def _go(self) -> None:
        settings = self._document.project.settings
        try:
            position_s = parse_time(
                self.time.text(),
                unit=self._timeline.unit,
                rate=settings.timecode_rate,
                start_timecode_s=settings.start_timecode_s,
            )
        except ValueError as error:
            notifier.refused(error)
        else:
            self._player.seek(min(position_s, settings.timeline_s))
        self.time.setModified(False)
        self._timeline.setFocus()
        self.refresh()

    def _next_unit(self) -> None:
        self._timeline.set_unit(TIME_UNITS[(TIME_UNITS.index(self._timeline.unit) + 1) % len(TIME_UNITS)])

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.settings != new.settings:
            self.refresh()
