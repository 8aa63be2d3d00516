"""The room of the reverb: decay, pre-delay, damping."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.project.document import Document
from sounddesk.domain.mixer_effects import MAX_DECAY_S
from sounddesk.domain.mixer_effects import MAX_PASS_HZ
from sounddesk.domain.mixer_effects import MAX_PRE_DELAY_S
from sounddesk.domain.mixer_effects import MIN_DAMPING_HZ
from sounddesk.domain.mixer_effects import MIN_DECAY_S


class ReverbDialog(QDialog):
    """Beside the mixer; every change is heard at once."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Reverb"))
        self._document = document
        self._filling = False
        self.decay = self._number(MIN_DECAY_S, MAX_DECAY_S, " s", step=0.1, decimals=1)
        self.decay.setToolTip(self.tr("Time in which it falls by 60 dB"))
        self.pre_delay = self._number(0.0, 1000.0 * MAX_PRE_DELAY_S, " ms", step=5.0, decimals=0)
        self.damping = self._number(MIN_DAMPING_HZ, MAX_PASS_HZ, " Hz", step=500.0, decimals=0)
        self.damping.setToolTip(self.tr("Above it the sound decays twice as fast"))
        form = QFormLayout(self)
        form.addRow(self.tr("&Decay:"), self.decay)
        form.addRow(self.tr("&Pre-delay:"), self.pre_delay)
        form.addRow(self.tr("D&amping above:"), self.damping)
        self.decay.valueChanged.connect(lambda value: self._change(decay_s=value))
        self.pre_delay.valueChanged.connect(lambda value: self._change(pre_delay_s=value / 1000.0))
        self.damping.valueChanged.connect(lambda value: self._change(damping_hz=value))
        # Of the dialog itself: a lambda would be called when the dialog is gone.
        document.changed.connect(self._fill)
        document.replaced.connect(self._fill)
        self._fill()

    def _fill(self, *_states: object) -> None:
        reverb = self._document.project.master.reverb
        self._filling = True
        self.decay.setValue(reverb.decay_s)
        self.pre_delay.setValue(1000.0 * reverb.pre_delay_s)
        self.damping.setValue(reverb.damping_hz)
        self._filling = False

    def _change(self, **changes: Any) -> None:
        if not self._filling:
            project = self._document.project
            reverb = dataclasses.replace(project.master.reverb, **changes)
            self._document.commit(self.tr("Reverb"), project.with_master(reverb=reverb), merge_key="reverb")

    @staticmethod
    def _number(low: float, high: float, suffix: str, *, step: float, decimals: int) -> QDoubleSpinBox:
        box = DoubleSpinBox()
        box.setDecimals(decimals)
        box.setRange(low, high)
        box.setSingleStep(step)
        box.setSuffix(suffix)
        box.setKeyboardTracking(False)
        return box
