"""Meters: peak and RMS of a lane with a clip light, and the loudness of the master."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QAccessible
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.accessible_parts import AccessibleParts
from sounddesk.app.look.theme import BODY
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import PADDING
from sounddesk.app.look.theme import TITLE
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.look.theme import theme
from sounddesk.app.plain_text import PlainLabel
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.playback.playback_levels import LaneLevel

BOTTOM_DB: Final = -60.0
_TOP_DB: Final = 6.0
# A peak falls back by 45 dB a second at 30 readings a second, and its line stays for 1.5 s first.
_FALL_DB: Final = 1.5
_HOLD_READINGS: Final = 45
_LIGHT: Final = 6
# Widths of a channel's bar and of the gap between the two.
_BAR: Final = 7
_GAP: Final = 2
# From here on the bar warns, and from there on it is too loud.
_LOUD_DB: Final = -6.0
_FULL_DB: Final = 0.0
_TICKS_DB: Final = (0, -6, -12, -24, -36, -48)


class _Channel:
    """What the bar of one channel shows, in dBFS."""

    def __init__(self) -> None:
        self.rest()

    def rest(self) -> None:
        self.peak_db = self.rms_db = self.held_db = -math.inf
        self._held_for = 0

    def show(self, peak: float, rms: float) -> None:
        """The next reading, linear."""
        self.peak_db = _fallen(self.peak_db, _db(peak))
        self.rms_db = _db(rms)
        if self.peak_db >= self.held_db:
            self.held_db, self._held_for = self.peak_db, 0
        elif self._held_for < _HOLD_READINGS:
            self._held_for += 1
        else:
            self.held_db = _fallen(self.held_db, self.peak_db)

    def values(self) -> tuple[float, float, float]:
        return self.peak_db, self.rms_db, self.held_db


class LevelMeter(QWidget):
    """A bar for each channel: RMS in full colour, the peak above it, and a line where the peak was just now; over both
    a light that stays on after a sample beyond full scale until clicked.

    Signals: reset(): what it has shown so far counts no more.
    """

    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(2 * _BAR + _GAP)
        self._channels = (_Channel(), _Channel())
        self.clipped = False
        self._spoken = _SpokenMeter(self)

    @property
    def peak_db(self) -> float:
        """Of the louder channel, falling back slowly."""
        return max(each.peak_db for each in self._channels)

    @property
    def rms_db(self) -> float:
        """Of the louder channel."""
        return max(each.rms_db for each in self._channels)

    def show_level(self, level: LaneLevel | None) -> None:
        """Of the last moments; None while nothing is heard."""
        before = [each.values() for each in self._channels]
        peaks, rms = (level.peaks, level.rms) if level is not None else ((0.0, 0.0), (0.0, 0.0))
        for channel, peak, mean in zip(self._channels, peaks, rms, strict=True):
            channel.show(peak, mean)
        clipped = self.clipped or max(peaks) > 1.0
        if clipped != self.clipped or before != [each.values() for each in self._channels]:
            self.clipped = clipped
            left, right = (_decibels(each.peak_db) for each in self._channels)
            self.setToolTip(self.tr("Peak: left {left}, right {right} dBFS").format(left=left, right=right))
            self.update()

    def in_words(self) -> str:
        """What it shows, to be read aloud."""
        if math.isinf(self.peak_db):
            text = self.tr("silent")
        else:
            left, right = (_decibels(each.peak_db) for each in self._channels)
            text = self.tr("left {left}, right {right} dBFS").format(left=left, right=right)
        return self.tr("{text}, clipped").format(text=text) if self.clipped else text

    def rest(self) -> None:
        """Nothing is played any more: bars and lines are gone, the light stays."""
        for each in self._channels:
            each.rest()
        self.update()

    def mousePressEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        self.forget()

    def forget(self) -> None:
        """Put the light out, and have the highest peak forgotten."""
        self.clipped = False
        self.reset.emit()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            for number, channel in enumerate(self._channels):
                self._paint_channel(painter, channel, left=number * (_BAR + _GAP))
            painter.setPen(colour("frame"))
            for tick_db in _TICKS_DB:
                y = round(self._y(tick_db))
                painter.drawLine(_BAR, y, _BAR + _GAP - 1, y)
            painter.fillRect(QRectF(0, 0, self.width(), _LIGHT), colour("error" if self.clipped else "line"))

    def _paint_channel(self, painter: QPainter, channel: _Channel, *, left: int) -> None:
        top, bottom = _LIGHT + 2, self.height()
        painter.fillRect(QRectF(left, top, _BAR, bottom - top), colour("hover"))
        zones = (("good", BOTTOM_DB, _LOUD_DB), ("warning", _LOUD_DB, _FULL_DB), ("error", _FULL_DB, _TOP_DB))
        for level_db, alpha in ((channel.peak_db, 110), (channel.rms_db, 255)):
            for name, low_db, high_db in zones:
                if level_db > low_db:
                    upper, lower = self._y(min(level_db, high_db)), self._y(low_db)
                    painter.fillRect(QRectF(left, upper, _BAR, lower - upper), colour(name, alpha=alpha))
        if not math.isinf(channel.held_db):
            name = next(name for name, _, high_db in zones if channel.held_db <= high_db or high_db == _TOP_DB)
            painter.fillRect(QRectF(left, self._y(channel.held_db), _BAR, 2), colour(name))

    def _y(self, level_db: float) -> float:
        share = min(1.0, max(0.0, (level_db - BOTTOM_DB) / (_TOP_DB - BOTTOM_DB)))
        return _LIGHT + 2 + (self.height() - _LIGHT - 2) * (1.0 - share)


class _SpokenMeter(AccessibleParts):
    """Reads a meter aloud."""

    def __init__(self, meter: LevelMeter) -> None:
        super().__init__(meter, QAccessible.Role.ProgressBar)
        self._meter = meter

    def value(self) -> str:
        """The peaks as they are now."""
        return self._meter.in_words()


# Below the absolute gate of BS.1770 nothing counts as sound.
_SILENT_LUFS: Final = -70.0
_UNITS: Final = {"integrated": "LUFS", "short_term": "LUFS", "momentary": "LUFS", "true_peak": "dBTP"}


class LoudnessPanel(QWidget):
    """Momentary, short-term and integrated loudness and true peak of the master since the last start (EBU Tech 3341).

    Signals: reset_requested(): clicked.
    """

    reset_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(self.tr("Loudness of the mix since the last start; click to measure from here on"))
        self.setAccessibleName(self.tr("Loudness of the mix"))
        self.setProperty("surface", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.values: dict[str, PlainLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(PADDING, GAP, PADDING, GAP)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        for row, (name, text) in enumerate((
            ("integrated", self.tr("Integrated")), ("short_term", self.tr("Short term")),
            ("momentary", self.tr("Momentary")), ("true_peak", self.tr("True peak")),
        )):  # fmt: skip
            # The one that deliveries ask for is read first.
            size = TITLE if name == "integrated" else BODY
            title, value, unit = PlainLabel(text, self), PlainLabel(parent=self), PlainLabel(_UNITS[name], self)
            value.setFont(font(size, bold=name == "integrated"))
            value.setMinimumWidth(value.fontMetrics().horizontalAdvance("-88.8"))
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for label in (title, unit):
                label.setProperty("role", "small")
            for column, label in enumerate((title, value, unit)):
                grid.addWidget(label, row, column)
            self.values[name] = value
        self.show_reading(None)

    def show_reading(self, reading: LoudnessReading | None) -> None:
        """None before anything was measured; 'n/a' where it is too short for a value."""
        if reading is None:
            texts = dict.fromkeys(self.values, "-")
        else:
            texts = {
                "momentary": _lufs(reading.momentary_lufs),
                "short_term": _lufs(reading.short_term_lufs),
                "integrated": _lufs(reading.integrated_lufs),
                "true_peak": f"{reading.true_peak_dbtp:.1f}" if math.isfinite(reading.true_peak_dbtp) else "-∞",
            }
        for name, label in self.values.items():
            if label.text() != texts[name]:
                label.setText(texts[name])
                label.setAccessibleName(f"{texts[name]} {_UNITS[name]}")
        over = reading is not None and reading.true_peak_dbtp > 0.0
        self.values["true_peak"].setStyleSheet(f"color: {theme().error}" if over else "")

    def mousePressEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        self.reset_requested.emit()


def _lufs(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.1f}" if value >= _SILENT_LUFS else "-∞"


def _fallen(shown_db: float, now_db: float) -> float:
    """What is shown after one more reading; minus infinity below the scale."""
    level_db = max(now_db, shown_db - _FALL_DB)
    return level_db if level_db >= BOTTOM_DB else -math.inf


def _decibels(level_db: float) -> str:
    return "-∞" if math.isinf(level_db) else f"{level_db:.1f}"


def _db(amplitude: float) -> float:
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf
