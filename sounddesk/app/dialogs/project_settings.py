"""Settings of the project: length, frame rate and timecode of the timeline, and how new takes are made."""

from __future__ import annotations

import dataclasses
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.dialogs.dialog_buttons import ok_and_cancel
from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.look.spin_boxes import SpinBox
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.preset_box import preset_box
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.seeds import MAX_SEED
from sounddesk.domain.timecode import FRAME_RATES
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.domain.timecode import format_timecode
from sounddesk.domain.timecode import may_drop_frames
from sounddesk.domain.timecode import parse_timecode
from sounddesk.domain.timecode import rate_text

_PRESET_STEPS: Final = 0


def _rates_with(own: TimecodeRate) -> list[TimecodeRate]:
    """The usual rates, and the project's own, slowest first."""
    rates = {own, *(TimecodeRate(rate) for rate in FRAME_RATES)}
    rates |= {TimecodeRate(rate, drop_frame=True) for rate in FRAME_RATES if may_drop_frames(rate)}
    return sorted(rates, key=lambda rate: (rate.frames_per_s, not rate.drop_frame))


class ProjectSettingsDialog(QDialog):
    """Signals: accepted_settings(ProjectSettings)."""

    accepted_settings = Signal(object)

    def __init__(self, settings: ProjectSettings, bundles: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Project settings"))
        self._settings = settings
        form = QFormLayout()
        self.timeline = self._seconds(settings.timeline_s, 1.0, 3600.0)
        form.addRow(self.tr("&Timeline lasts:"), self.timeline)
        self.frame_rate = QComboBox()
        self._rates = _rates_with(settings.timecode_rate)
        for rate in self._rates:
            self.frame_rate.addItem(self._rate_label(rate))
        self.frame_rate.setCurrentIndex(self._rates.index(settings.timecode_rate))
        form.addRow(self.tr("&Frames per second:"), self.frame_rate)
        first = settings.timecode_rate.frame_at(settings.start_timecode_s)
        self.start = QLineEdit(format_timecode(first, rate=settings.timecode_rate))
        form.addRow(self.tr("Timecode at the &start:"), self.start)
        self.seconds = self._seconds(settings.seconds, 1.0, 60.0)
        form.addRow(self.tr("New takes &last:"), self.seconds)
        self.preset = preset_box(settings.preset)
        form.addRow(self.tr("&Preset:"), self.preset)
        self.steps = SpinBox()
        self.steps.setRange(_PRESET_STEPS, 1000)
        self.steps.setSpecialValueText(self.tr("as the preset"))
        self.steps.setValue(settings.steps or _PRESET_STEPS)
        form.addRow(self.tr("Ste&ps:"), self.steps)
        self.guidance = DoubleSpinBox()
        self.guidance.setRange(1.0, 20.0)
        self.guidance.setSingleStep(0.5)
        self.guidance.setValue(settings.guidance)
        self.guidance.setToolTip(self.tr("How closely a sound keeps to its object; the paper uses 2"))
        form.addRow(self.tr("&Guidance:"), self.guidance)
        self.bundle = QComboBox()
        for name in dict.fromkeys((*bundles, settings.bundle)):
            self.bundle.addItem(name, name)
        self.bundle.setCurrentIndex(self.bundle.findData(settings.bundle))
        form.addRow(self.tr("&Bundle:"), self.bundle)
        self.grounding = QComboBox()
        self.grounding.addItem(self.tr("The object itself"), "object")
        self.grounding.addItem(self.tr("Words for the whole image"), "caption")
        self.grounding.addItem(self.tr("Words for each object"), "caption-mix")
        self.grounding.setCurrentIndex(self.grounding.findData(settings.grounding))
        self.grounding.setToolTip(self.tr("Words are an object's prompt, or what it is recognised as"))
        form.addRow(self.tr("Sounds foll&ow:"), self.grounding)
        self.seed = QLineEdit(str(settings.seed))
        self.seed.setToolTip(self.tr("Seeds of new objects follow from it"))
        form.addRow(self.tr("S&eed:"), self.seed)
        self.paid_work = QCheckBox(self.tr("Made for p&aid work"))
        self.paid_work.setChecked(settings.paid_work)
        self.paid_work.setToolTip(self.tr("Recordings whose licence forbids that are named before an export"))
        form.addRow(self.paid_work)
        self.embed_recordings = QCheckBox(self.tr("&Keep recordings in the project file"))
        self.embed_recordings.setChecked(settings.embed_recordings)
        self.embed_recordings.setToolTip(
            self.tr("Takes are kept in any case; without this, their recordings are linked")
        )
        form.addRow(self.embed_recordings)
        self.problem = PlainLabel()
        self.problem.setWordWrap(True)
        self.problem.setVisible(False)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addWidget(ok_and_cancel(self))

    def accept(self) -> None:
        """Hand the settings over; where a field cannot be read, say so and stay."""
        rate = self._rates[self.frame_rate.currentIndex()]
        try:
            if not self.seed.text().strip().isdecimal():
                raise ValueError(f"seed is {self.seed.text()!r}: give a whole number from 0 to {MAX_SEED}")
            changed = dataclasses.replace(
                self._settings,
                timeline_s=self.timeline.value(),
                frame_rate=float(rate.frames_per_s),
                drop_frame=rate.drop_frame,
                start_timecode_s=rate.time_of(parse_timecode(self.start.text(), rate=rate)),
                seconds=self.seconds.value(),
                preset=str(self.preset.currentData()),
                steps=self.steps.value() or None,
                guidance=self.guidance.value(),
                bundle=str(self.bundle.currentData()),
                grounding=self.grounding.currentData(),
                seed=int(self.seed.text()),
                paid_work=self.paid_work.isChecked(),
                embed_recordings=self.embed_recordings.isChecked(),
            )
        except ValueError as error:
            self.problem.setText(str(error))
            self.problem.setVisible(True)
            return
        self.accepted_settings.emit(changed)
        super().accept()

    def _rate_label(self, rate: TimecodeRate) -> str:
        if not may_drop_frames(rate.frames_per_s):
            return str(rate)
        kind = self.tr("drop frame") if rate.drop_frame else self.tr("non-drop")
        return f"{rate_text(rate.frames_per_s)} {kind}"

    def _seconds(self, value: float, low: float, high: float) -> QDoubleSpinBox:
        spin = DoubleSpinBox()
        spin.setRange(low, high)
        spin.setDecimals(3)
        spin.setSuffix(self.tr(" s"))
        spin.setValue(value)
        return spin
