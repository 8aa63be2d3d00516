"""Meters: peak and RMS of a lane with a clip light, and the loudness of the master."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import TITLE
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.look.theme import theme
from sounddesk.app.plain_text import PlainLabel
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.playback.playback_levels import LaneLevel

BOTTOM_DB: Final = -60.0
_TOP_DB: Final = 6.0
# A peak falls back by 45 dB a second at 30 readings a second.
_FALL_DB: Final = 1.5
_LIGHT: Final = 6
# From here on the bar warns.
_LOUD_DB: Final = -6.0
_TICKS_DB: Final = (0, -6, -12, -24, -36, -48)


class LevelMeter(QWidget):
    """RMS as a bar, the peak as a line above it, and a light that stays on after a sample beyond full scale until
    clicked.

    Signals: reset(): what it has shown so far counts no more.
    """

    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(12)
        self.peak_db = -math.inf
        self.rms_db = -math.inf
        self.clipped = False

    def show_level(self, level: LaneLevel | None) -> None:
        """Of the last moments; None while nothing is heard."""
        peak_db = _db(level.peak) if level is not None else -math.inf
        before = (self.peak_db, self.rms_db, self.clipped)
        self.peak_db = max(peak_db, self.peak_db - _FALL_DB)
        if self.peak_db < BOTTOM_DB:
            self.peak_db = -math.inf
        self.rms_db = _db(level.rms) if level is not None else -math.inf
        self.clipped = self.clipped or (level is not None and level.peak > 1.0)
        if before != (self.peak_db, self.rms_db, self.clipped):
            peak = "-∞" if math.isinf(self.peak_db) else f"{self.peak_db:.1f}"
            self.setToolTip(self.tr("peak {peak} dBFS").format(peak=peak))
            self.update()

    def rest(self) -> None:
        """Nothing is played any more: bar and line are gone, the light stays."""
        self.peak_db = self.rms_db = -math.inf
        self.update()

    def mousePressEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        self.forget()

    def forget(self) -> None:
        """Put the light out, and have the highest peak forgotten."""
        self.clipped = False
        self.reset.emit()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("hover"))
        bottom = self._y(self.rms_db)
        lit = colour("warning" if self.peak_db > _LOUD_DB else "good")
        painter.fillRect(QRectF(0, bottom, self.width(), self.height() - bottom), lit)
        if not math.isinf(self.peak_db):
            painter.fillRect(QRectF(0, self._y(self.peak_db), self.width(), 2), lit.lighter(150))
        painter.setPen(colour("frame"))
        for tick_db in _TICKS_DB:
            y = round(self._y(tick_db))
            painter.drawLine(self.width() - 3, y, self.width(), y)
        painter.fillRect(QRectF(0, 0, self.width(), _LIGHT), colour("error" if self.clipped else "line"))

    def _y(self, level_db: float) -> float:
        share = min(1.0, max(0.0, (level_db - BOTTOM_DB) / (_TOP_DB - BOTTOM_DB)))
        return _LIGHT + 2 + (self.height() - _LIGHT - 2) * (1.0 - share)


class LoudnessPanel(QWidget):
    """Momentary, short-term and integrated loudness and true peak of the master since the last start (EBU Tech 3341).

    Signals: reset_requested(): clicked.
    """

    reset_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(self.tr("Loudness of the mix since the last start; click to measure from here on"))
        self.setAccessibleName(self.tr("Loudness of the mix"))
        self.values: dict[str, PlainLabel] = {}
        form = QFormLayout(self)
        form.setContentsMargins(2, 2, 2, 2)
        form.setVerticalSpacing(0)
        for name, text in (
            ("momentary", self.tr("Momentary")), ("short_term", self.tr("Short term")),
            ("integrated", self.tr("Integrated")), ("true_peak", self.tr("True peak")),
        ):  # fmt: skip
            label = PlainLabel(parent=self)
            label.setFont(font(TITLE))
            label.setMinimumWidth(label.fontMetrics().horizontalAdvance("-88.8"))
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            form.addRow(text, label)
            self.values[name] = label
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
            unit = "dBTP" if name == "true_peak" else "LUFS"
            if label.text() != texts[name]:
                label.setText(texts[name])
                label.setToolTip(f"{texts[name]} {unit}")
        over = reading is not None and reading.true_peak_dbtp > 0.0
        self.values["true_peak"].setStyleSheet(f"color: {theme().error}" if over else "")

    def mousePressEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        self.reset_requested.emit()


def _lufs(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.1f}" if math.isfinite(value) else "-∞"


def _db(amplitude: float) -> float:
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf
