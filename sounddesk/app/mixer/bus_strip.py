"""Strips that are no lane's: faders of groups, and what comes back from the reverb."""

from __future__ import annotations

import dataclasses
from typing import Any
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import RADIUS
from sounddesk.app.look.theme import SMALL
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.look.theme import theme
from sounddesk.app.mixer.level_meter import BOTTOM_DB
from sounddesk.app.mixer.level_meter import LevelMeter
from sounddesk.app.mixer.strip import Fader
from sounddesk.app.mixer.strip import FaderScale
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.document import Document
from sounddesk.domain.mixer_effects import FaderGroup
from sounddesk.domain.project import Project

_WIDTH: Final = 76


class BusStrip(QWidget):
    """A name, a button, perhaps a meter, and a fader. Signals: chosen(): it was clicked on."""

    chosen = Signal()

    def __init__(self, document: Document, *, text: str, metered: bool, parent: QWidget | None = None) -> None:
        """`text`: of its button."""
        super().__init__(parent)
        self._document = document
        self._filling = False
        self._name = PlainLabel(parent=self)
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QToolButton(self)
        self.button.setText(text)
        self.button.setProperty("compact", True)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.fader = Fader(self)
        self.meter = LevelMeter(self) if metered else None
        self._value = QDoubleSpinBox(self)
        self._value.setRange(BOTTOM_DB, 12.0)
        self._value.setDecimals(1)
        self._value.setSuffix(" dB")
        self._value.setKeyboardTracking(False)
        self._value.setProperty("bare", True)
        self._value.setFont(font(SMALL))
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addStretch(1)
        if self.meter is not None:
            row.addWidget(self.meter)
        row.addWidget(FaderScale(self))
        row.addWidget(self.fader)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 2 * GAP, GAP, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self._name)
        layout.addWidget(self.button)
        layout.addLayout(row, 1)
        layout.addWidget(self._value)
        self.setFixedWidth(_WIDTH)
        self.fader.sliderPressed.connect(lambda: document.begin(self.tr("Move fader")))
        self.fader.sliderReleased.connect(document.end)
        self.fader.valueChanged.connect(lambda tenths: self._on_gain(tenths / 10))
        self._value.valueChanged.connect(self._on_gain)

    def refresh(self) -> None:
        """Show the document's values."""
        raise NotImplementedError

    def with_gain(self, gain_db: float) -> Project:
        """The project with the fader elsewhere."""
        raise NotImplementedError

    def _show(self, name: str, gain_db: float) -> None:
        self._filling = True
        self._name.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, _WIDTH - 14))
        self._name.setToolTip(plain_tip(name))
        self.fader.setValue(round(gain_db * 10))
        self._value.setValue(gain_db)
        self.fader.setAccessibleName(self.tr("Fader {name}").format(name=name))
        self._value.setAccessibleName(self.tr("Gain {name}").format(name=name))
        if self.meter is not None:
            self.meter.setAccessibleName(self.tr("Level of {name}").format(name=name))
        self._filling = False

    def _on_gain(self, gain_db: float) -> None:
        if self._filling:
            return
        project = self.with_gain(gain_db)
        if self._document.in_gesture:
            self._document.preview(project)
        else:
            self._document.commit(self.tr("Move fader"), project, merge_key=f"fader of bus {id(self)}")

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mousePressEvent(event)
        self.chosen.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(colour("line"))
            painter.setBrush(colour("raised"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)


class GroupStrip(BusStrip):
    """The fader and the mute of a group."""

    def __init__(self, document: Document, group_id: str, parent: QWidget | None = None) -> None:
        super().__init__(document, text="M", metered=False, parent=parent)
        self._group_id = group_id
        self.button.setCheckable(True)
        self.button.setToolTip(self.tr("Mute"))
        self.button.clicked.connect(lambda on: self._commit(self.tr("Mute"), muted=on))
        self.refresh()

    def refresh(self) -> None:
        group = self._group
        if group is None:
            return
        self._show(group.name, group.gain_db)
        self.button.setChecked(group.muted)
        self.button.setAccessibleName(self.tr("Mute {name}").format(name=group.name))
        self.button.setStyleSheet(f"background: {theme().mute}; color: {theme().on_lit};" if group.muted else "")
        members = [each.name for each in self._document.project.objects if each.strip.group_id == self._group_id]
        self.setToolTip(plain_tip(", ".join(members)))

    def with_gain(self, gain_db: float) -> Project:
        return self._with(gain_db=gain_db)

    @property
    def _group(self) -> FaderGroup | None:
        return self._document.project.group(self._group_id)

    def _with(self, **changes: Any) -> Project:
        project = self._document.project
        groups = tuple(
            dataclasses.replace(each, **changes) if each.id == self._group_id else each
            for each in project.master.groups
        )
        return project.with_master(groups=groups)

    def _commit(self, text: str, **changes: Any) -> None:
        self._document.commit(text, self._with(**changes))


class ReverbStrip(BusStrip):
    """The fader of what comes back from the reverb. Signals: settings_requested(): its button was pressed."""

    settings_requested = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, text="", metered=True, parent=parent)
        self.button.setText(self.tr("Room…"))
        self.button.setToolTip(self.tr("Decay, pre-delay and damping of the reverb"))
        self.button.setAccessibleName(self.button.toolTip())
        self.button.clicked.connect(self.settings_requested)
        self.refresh()

    def refresh(self) -> None:
        self._show(self.tr("Reverb"), self._document.project.master.reverb.gain_db)

    def with_gain(self, gain_db: float) -> Project:
        project = self._document.project
        return project.with_master(reverb=dataclasses.replace(project.master.reverb, gain_db=gain_db))
