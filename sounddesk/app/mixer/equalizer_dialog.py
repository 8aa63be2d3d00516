"""The equalizer of a strip: its controls, and the response that they make."""

from __future__ import annotations

import dataclasses
from typing import Any
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.look.theme import SMALL
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.document import Document
from sounddesk.audio.equalizer import equalizer_sections
from sounddesk.audio.equalizer import response_db
from sounddesk.domain.mixer_effects import MAX_BELL_DB
from sounddesk.domain.mixer_effects import MAX_BELL_HZ
from sounddesk.domain.mixer_effects import MAX_BELL_Q
from sounddesk.domain.mixer_effects import MAX_PASS_HZ
from sounddesk.domain.mixer_effects import MIN_BELL_HZ
from sounddesk.domain.mixer_effects import MIN_BELL_Q
from sounddesk.domain.mixer_effects import MIN_PASS_HZ
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.project import Project

_SHOWN_DB: Final = 24.0
_TICKS_HZ: Final = ((100.0, "100"), (1000.0, "1k"), (10_000.0, "10k"))
# Where a pass that is switched on begins.
_HIGH_PASS_HZ, _LOW_PASS_HZ = 80.0, 12_000.0


class ResponseCurve(QWidget):
    """Level over frequency, 20 Hz to 20 kHz, -24 to 24 dB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._equalizer = Equalizer()
        self.setMinimumSize(320, 120)

    def show_equalizer(self, equalizer: Equalizer) -> None:
        """Draw another one."""
        self._equalizer = equalizer
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = QRectF(self.rect())
            painter.fillRect(area, colour("sunken"))
            painter.setFont(font(SMALL))
            for level_db in (-12, 0, 12):
                y = self._y_of(float(level_db))
                painter.setPen(colour("line"))
                painter.drawLine(QPointF(0, y), QPointF(area.right(), y))
                painter.setPen(colour("muted"))
                painter.drawText(QPointF(4, y - 2), f"{level_db:+d}" if level_db else "0 dB")
            for hz, text in _TICKS_HZ:
                x = area.width() * np.log(hz / MIN_PASS_HZ) / np.log(MAX_PASS_HZ / MIN_PASS_HZ)
                painter.setPen(colour("line"))
                painter.drawLine(QPointF(x, 0), QPointF(x, area.bottom()))
                painter.setPen(colour("muted"))
                painter.drawText(QPointF(x + 3, area.bottom() - 3), text)
            painter.setPen(QPen(colour("accent"), 2))
            painter.drawPolyline(
                [QPointF(x, self._y_of(level_db)) for x, level_db in enumerate(self._levels_db(self.width()))]
            )

    def _y_of(self, level_db: float) -> float:
        return self.height() * (0.5 - min(_SHOWN_DB, max(-_SHOWN_DB, level_db)) / (2 * _SHOWN_DB))

    def _levels_db(self, count: int) -> list[float]:
        hz = np.geomspace(MIN_PASS_HZ, MAX_PASS_HZ, count)
        return response_db(equalizer_sections(self._equalizer), hz).tolist()


class EqualizerDialog(QDialog):
    """Beside the mixer, for one strip; every change is heard at once. It closes with its strip.

    Attributes:
        object_id: whose strip it is.
    """

    def __init__(self, document: Document, object_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.object_id = object_id
        self._filling = False
        self.curve = ResponseCurve(self)
        self.high_pass = QCheckBox(self.tr("&High pass"))
        self.high_pass_hz = self._number(MIN_PASS_HZ, MAX_PASS_HZ, " Hz", name=self.tr("Corner of the high pass"))
        self.bell_hz = self._number(MIN_BELL_HZ, MAX_BELL_HZ, " Hz", name=self.tr("Middle of the bell"))
        self.bell_db = self._number(-MAX_BELL_DB, MAX_BELL_DB, " dB", name=self.tr("Gain of the bell"))
        self.bell_q = self._number(MIN_BELL_Q, MAX_BELL_Q, "", name=self.tr("Quality of the bell"))
        self.bell_q.setPrefix("Q ")
        self.low_pass = QCheckBox(self.tr("&Low pass"))
        self.low_pass_hz = self._number(MIN_PASS_HZ, MAX_PASS_HZ, " Hz", name=self.tr("Corner of the low pass"))
        bell = PlainLabel(self.tr("&Bell"))
        bell.setBuddy(self.bell_db)
        reset = QPushButton(self.tr("&Flat"))
        # Else Enter after a number would take back what was set.
        reset.setAutoDefault(False)
        reset.clicked.connect(lambda: self._set(Equalizer()))
        grid = QGridLayout()
        grid.addWidget(self.high_pass, 0, 0)
        grid.addWidget(self.high_pass_hz, 0, 1)
        grid.addWidget(bell, 1, 0)
        for column, box in enumerate((self.bell_hz, self.bell_db, self.bell_q), start=1):
            grid.addWidget(box, 1, column)
        grid.addWidget(self.low_pass, 2, 0)
        grid.addWidget(self.low_pass_hz, 2, 1)
        grid.addWidget(reset, 2, 3)
        layout = QVBoxLayout(self)
        layout.addWidget(self.curve, 1)
        layout.addLayout(grid)
        self.high_pass.toggled.connect(lambda on: self._change(high_pass_hz=_HIGH_PASS_HZ if on else None))
        self.low_pass.toggled.connect(lambda on: self._change(low_pass_hz=_LOW_PASS_HZ if on else None))
        self.high_pass_hz.valueChanged.connect(lambda hz: self._change(high_pass_hz=hz))
        self.low_pass_hz.valueChanged.connect(lambda hz: self._change(low_pass_hz=hz))
        for name, box in (("bell_hz", self.bell_hz), ("bell_db", self.bell_db), ("bell_q", self.bell_q)):
            box.valueChanged.connect(lambda value, name=name: self._change(**{name: value}))
        document.changed.connect(self._on_changed)
        document.replaced.connect(self.close)
        self._fill()

    def _on_changed(self, _old: Project, new: Project) -> None:
        if any(each.id == self.object_id for each in new.objects):
            self._fill()
        else:
            self.close()

    @property
    def _equalizer(self) -> Equalizer:
        return self._document.project.object(self.object_id).strip.equalizer

    def _fill(self) -> None:
        equalizer = self._equalizer
        self._filling = True
        self.setWindowTitle(
            self.tr("Equalizer of {name}").format(name=self._document.project.object(self.object_id).name)
        )
        for switch, box, hz, default in (
            (self.high_pass, self.high_pass_hz, equalizer.high_pass_hz, _HIGH_PASS_HZ),
            (self.low_pass, self.low_pass_hz, equalizer.low_pass_hz, _LOW_PASS_HZ),
        ):
            switch.setChecked(hz is not None)
            box.setEnabled(hz is not None)
            box.setValue(default if hz is None else hz)
        self.bell_hz.setValue(equalizer.bell_hz)
        self.bell_db.setValue(equalizer.bell_db)
        self.bell_q.setValue(equalizer.bell_q)
        self.curve.show_equalizer(equalizer)
        self._filling = False

    def _change(self, **changes: Any) -> None:
        if not self._filling:
            self._set(dataclasses.replace(self._equalizer, **changes))

    def _set(self, equalizer: Equalizer) -> None:
        project = self._document.project.with_strip(self.object_id, equalizer=equalizer)
        self._document.commit(self.tr("Equalizer"), project, merge_key=f"equalizer {self.object_id}")

    @staticmethod
    def _number(low: float, high: float, suffix: str, *, name: str) -> QDoubleSpinBox:
        box = DoubleSpinBox()
        box.setRange(low, high)
        box.setSuffix(suffix)
        box.setDecimals(0 if suffix == " Hz" else 1)
        if suffix == " Hz":
            # A tenth of the value a step, so that the whole range is near.
            box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        box.setSingleStep(0.5)
        box.setKeyboardTracking(False)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setAccessibleName(name)
        return box
