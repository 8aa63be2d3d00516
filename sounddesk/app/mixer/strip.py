"""One channel of the mixer: name, colour, mute, solo, polarity, pan, meter with its peak, fader with its scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QSlider
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
from sounddesk.app.mixer.send_slider import SendSlider
from sounddesk.app.mixer.send_slider import send_text
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.document import Document
from sounddesk.audio.playback.playback_levels import LaneLevel
from sounddesk.domain.project import Project

_TOP_DB: Final = 12.0
_TICKS_DB: Final = (12, 6, 0, -6, -12, -24, -36, -48, -60)
_WIDTH: Final = 94
# As on most consoles: mute is red, solo yellow.
_LIT: Final = {"muted": "mute", "soloed": "solo", "inverted": "on", "limiter": "on"}
# The lowest fader that can still be set to half a dB.
_FADER: Final = 64
# Half of the fader's handle: its middle is the value.
_HANDLE: Final = 6
# A line of the scale.
_LINE: Final = 11


class FaderScale(QWidget):
    """The decibels of a fader, beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(20)

    @staticmethod
    def _y_of_unity(room: float) -> float:
        return _HANDLE + room * _TOP_DB / (_TOP_DB - BOTTOM_DB)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setFont(font(SMALL - 1))
            painter.setPen(colour("muted"))
            room = self.height() - 2 * _HANDLE
            below = -math.inf
            for tick in _TICKS_DB:
                y = _HANDLE + room * (_TOP_DB - tick) / (_TOP_DB - BOTTOM_DB)
                # Where there is no room for all of them, those that count stay.
                if (y < below and tick != 0) or (tick > 0 and y > self._y_of_unity(room) - _LINE):
                    continue
                below = y + _LINE
                text = "-∞" if tick == BOTTOM_DB else f"{abs(tick)}"
                painter.drawText(QRectF(0, y - 7, self.width(), 14), Qt.AlignmentFlag.AlignCenter, text)


class PanSlider(QSlider):
    """A horizontal slider from -100 to 100; a double click brings it to the centre."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(-100, 100)

    def mouseDoubleClickEvent(self, _event: object) -> None:  # noqa: N802
        self.setValue(0)


class Fader(QSlider):
    """A vertical slider in tenths of a dB; a double click brings it to 0 dB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setRange(round(BOTTOM_DB * 10), round(_TOP_DB * 10))
        self.setMinimumHeight(_FADER)
        self.setPageStep(10)
        self.setSingleStep(5)

    def mouseDoubleClickEvent(self, _event: object) -> None:  # noqa: N802
        self.setValue(0)


def pan_text(pan: float) -> str:
    """A pan from -1 to 1 as it is read.

    Example:
        >>> pan_text(0.0), pan_text(-0.3), pan_text(1.0)
        ('C', 'L30', 'R100')
    """
    hundredths = round(abs(pan) * 100)
    return "C" if hundredths == 0 else f"{'L' if pan < 0 else 'R'}{hundredths}"


class Strip(QWidget):
    """Signals: chosen(): it was clicked on; equalizer_requested(): its equalizer is wanted."""

    chosen = Signal()
    equalizer_requested = Signal()

    def __init__(self, document: Document, object_id: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._object_id = object_id
        self._filling = False
        self._selected = False
        self._held_db = -math.inf
        self.meter = LevelMeter(self)
        self.fader = Fader(self)
        self._value = QDoubleSpinBox(self)
        self._value.setRange(BOTTOM_DB, _TOP_DB)
        self._value.setDecimals(1)
        self._value.setSuffix(" dB")
        self._value.setKeyboardTracking(False)
        self._value.setProperty("bare", True)
        self._name = PlainLabel(parent=self)
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(self.meter)
        row.addWidget(FaderScale(self))
        row.addWidget(self.fader)
        row.addStretch(1)
        flags = QHBoxLayout()
        flags.setSpacing(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 2 * GAP, GAP, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self._name)
        names = (
            (
                ("muted", "M", self.tr("Mute")),
                ("soloed", "S", self.tr("Solo")),
                ("inverted", "Ø", self.tr("Invert polarity")),
            )
            if object_id is not None
            else (("limiter", self.tr("Limiter"), self.tr("Limiter")),)
        )
        for field, text, title in names:
            button = QToolButton(self)
            button.setText(text)
            button.setCheckable(True)
            button.setToolTip(title)
            button.setProperty("compact", True)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda on, field=field, title=title: self._set_flag(field, on, title))
            self.buttons[field] = button
            flags.addWidget(button)
        self.equalizer = QToolButton(self)
        self.equalizer.setText("EQ")
        self.equalizer.setToolTip(self.tr("Equalizer"))
        self.equalizer.setProperty("compact", True)
        self.equalizer.setFont(font(SMALL))
        self.equalizer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.equalizer.setVisible(object_id is not None)
        self.equalizer.clicked.connect(self.equalizer_requested)
        flags.addWidget(self.equalizer)
        layout.addLayout(flags)
        self.pan = PanSlider(self)
        self._pan_value = PlainLabel(parent=self)
        self._pan_value.setFixedWidth(30)
        self._pan_value.setProperty("role", "small")
        self._pan_value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.pan.valueChanged.connect(self._set_pan)
        panning = QHBoxLayout()
        panning.addWidget(self.pan, 1)
        panning.addWidget(self._pan_value)
        self.send = SendSlider(self)
        self._send_value = PlainLabel(parent=self)
        self._send_value.setFixedWidth(30)
        self._send_value.setProperty("role", "small")
        self._send_value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.send.valueChanged.connect(self._set_send)
        sending = QHBoxLayout()
        sending.addWidget(self.send, 1)
        sending.addWidget(self._send_value)
        for widget in (self.pan, self._pan_value, self.send, self._send_value):
            # The master has none; its fader stands beside the others all the same.
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
            widget.setVisible(object_id is not None)
        layout.addLayout(panning)
        layout.addLayout(sending)
        self._peak = PlainLabel("-∞", self)
        self._peak.setProperty("role", "small")
        self._peak.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._peak.setToolTip(self.tr("Highest peak since the start, in dBFS; a click on the meter resets it"))
        layout.addLayout(row, 1)
        # The fader's value and the highest peak, side by side: a low window has room for one line.
        numbers = QHBoxLayout()
        numbers.setSpacing(2)
        self._value.setFont(font(SMALL))
        numbers.addWidget(self._value, 1)
        self._peak.setFixedWidth(self._peak.fontMetrics().horizontalAdvance("-88.8"))
        numbers.addWidget(self._peak)
        layout.addLayout(numbers)
        self.setFixedWidth(_WIDTH)
        self.meter.reset.connect(self._forget_peak)
        self.fader.sliderPressed.connect(lambda: document.begin(self.tr("Move fader")))
        self.fader.sliderReleased.connect(document.end)
        self.fader.valueChanged.connect(lambda tenths: self._set_gain(tenths / 10))
        self._value.valueChanged.connect(self._set_gain)
        self.refresh()

    def refresh(self) -> None:
        """Show the document's values."""
        self._filling = True
        project = self._document.project
        if self._object_id is None:
            gain_db, name = project.master.gain_db, self.tr("Master")
            self.buttons["limiter"].setChecked(project.master.limiter)
        else:
            each = project.object(self._object_id)
            gain_db, name = each.strip.gain_db, each.name
            for field in ("muted", "soloed", "inverted"):
                self.buttons[field].setChecked(getattr(each.strip, field))
            self.pan.setValue(round(each.strip.pan * 100))
            self._pan_value.setText(pan_text(each.strip.pan))
            self.pan.setToolTip(self.tr("Pan: {value}. Double click: centre").format(value=self._pan_value.text()))
            # Where the pan is a curve, the curve is what is heard.
            self.pan.setEnabled(not each.strip.pan_curve)
            if each.strip.pan_curve:
                self.pan.setToolTip(self.tr("The pan follows its curve on the timeline"))
            self.send.setValue(round(each.strip.send_db * 10))
            self._send_value.setText(send_text(each.strip.send_db))
            self.send.setToolTip(
                self.tr("Send to the reverb: {value}. Double click: none").format(value=self._send_value.text())
            )
        self._name.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, _WIDTH - 20))
        self._name.setToolTip(plain_tip(name))
        self.fader.setValue(round(gain_db * 10))
        self._value.setValue(gain_db)
        for widget, what in (
            (self.fader, self.tr("Fader")), (self._value, self.tr("Gain")), (self.pan, self.tr("Pan")),
            (self.send, self.tr("Reverb send")), (self.equalizer, self.tr("Equalizer")),
        ):  # fmt: skip
            widget.setAccessibleName(f"{what} {name}")
        self.meter.setAccessibleName(self.tr("Level of {name}").format(name=name))
        for button in self.buttons.values():
            button.setAccessibleName(f"{button.toolTip()} {name}")
        self._light_buttons()
        self._filling = False
        self.update()

    def show_selected(self, on: bool) -> None:
        """Whether its object is selected."""
        self._selected = on
        self.update()

    def show_level(self, level: LaneLevel | None) -> None:
        """Of the last moments; None while nothing is heard."""
        self.meter.show_level(level)
        if self.meter.peak_db > self._held_db:
            self._held_db = self.meter.peak_db
            self._show_peak()

    def rest(self) -> None:
        """Nothing is played any more; the highest peak stays to be read."""
        self.meter.rest()

    def _forget_peak(self) -> None:
        self._held_db = -math.inf
        self._show_peak()

    def _show_peak(self) -> None:
        self._peak.setText("-∞" if math.isinf(self._held_db) else f"{self._held_db:.1f}")
        self.meter.setAccessibleDescription(
            self.tr("silent so far")
            if math.isinf(self._held_db)
            else self.tr("highest peak {peak:.1f} dBFS").format(peak=self._held_db)
        )

    def _light_buttons(self) -> None:
        """Each flag lights in its own colour."""
        for field, button in self.buttons.items():
            lit = f"background: {getattr(theme(), _LIT[field])}; color: {theme().on_lit};" if button.isChecked() else ""
            if button.styleSheet() != lit:
                button.setStyleSheet(lit)
        if self._object_id is not None:
            on = self._document.project.object(self._object_id).strip.equalizer.is_on
            # Two letters in the room of one.
            lit = "padding: 0;" + (f"background: {theme().on}; color: {theme().on_lit};" if on else "")
            if self.equalizer.styleSheet() != lit:
                self.equalizer.setStyleSheet(lit)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mousePressEvent(event)
        self.chosen.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(colour("accent" if self._selected else "line"))
            painter.setBrush(colour("raised" if self._selected or self._object_id is None else "panel"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)
            if self._object_id is not None:
                bar = QColor(self._document.project.object(self._object_id).colour)
                painter.fillRect(QRectF(2, 2, self.width() - 4, 4), bar)

    def _set_gain(self, gain_db: float) -> None:
        def change(project: Project) -> Project:
            if self._object_id is None:
                return project.with_master(gain_db=gain_db)
            return project.with_strip(self._object_id, gain_db=gain_db)

        self._apply(self.tr("Move fader"), change, key="fader")

    def _set_pan(self, hundredths: int) -> None:
        if self._object_id is not None:
            object_id = self._object_id
            self._apply(self.tr("Pan"), lambda p: p.with_strip(object_id, pan=hundredths / 100), key="pan")

    def _set_send(self, tenths: int) -> None:
        if self._object_id is not None:
            object_id = self._object_id
            self._apply(self.tr("Reverb send"), lambda p: p.with_strip(object_id, send_db=tenths / 10), key="send")

    def _set_flag(self, field: str, on: bool, title: str) -> None:
        def change(project: Project) -> Project:
            if self._object_id is None:
                return project.with_master(**{field: on})
            return project.with_strip(self._object_id, **{field: on})

        self._apply(title, change, key=None)

    def _apply(self, text: str, change: Callable[[Project], Project], *, key: str | None) -> None:
        if self._filling:
            return
        project = change(self._document.project)
        if self._document.in_gesture:
            self._document.preview(project)
        else:
            merge_key = None if key is None else f"{key} {self._object_id}"
            self._document.commit(text, project, merge_key=merge_key)
