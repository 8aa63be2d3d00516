"""Numbers of clips: place, length, gain, fades and their shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.dialogs.dialog_buttons import ok_and_cancel
from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.plain_text import PlainLabel
from sounddesk.domain.clip_edits import with_fades
from sounddesk.domain.timeline import MIN_CLIP_S
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import FadeCurve
from sounddesk.domain.timeline import resized

FADE_CURVES: Final[tuple[FadeCurve, ...]] = ("linear", "equal_power", "s", "exponential")


def fade_curve_name(curve: FadeCurve) -> str:
    """As menus and forms say it."""
    names = {"linear": "Linear", "equal_power": "Equal power", "s": "S curve", "exponential": "Exponential"}
    return str(QCoreApplication.translate("timeline", names[curve]))


class ClipDialog(QDialog):
    """Shows the first of some clips; what is changed is changed in all of them.

    Signals: accepted_clips(list of `Clip`).
    """

    accepted_clips = Signal(object)

    def __init__(self, clips: Sequence[Clip], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Clip") if len(clips) == 1 else self.tr("{n} clips").format(n=len(clips)))
        self._clips = tuple(clips)
        first = clips[0]
        form = QFormLayout()
        self.start = self._number(first.start_s, 0.0, 3600.0, " s", decimals=3)
        form.addRow(self.tr("&Starts at:"), self.start)
        self.duration = self._number(first.duration_s, MIN_CLIP_S, 3600.0, " s", decimals=3)
        form.addRow(self.tr("&Lasts:"), self.duration)
        self.gain = self._number(first.gain_db, -60.0, 24.0, " dB", decimals=1)
        form.addRow(self.tr("&Gain:"), self.gain)
        self.fade_in = self._number(first.fade_in_s, 0.0, 3600.0, " s", decimals=3)
        self.fade_in_curve = self._curve(first.fade_in_curve, self.tr("Shape of the fade in"))
        form.addRow(self._label(self.tr("Fade &in:"), self.fade_in), self._row(self.fade_in, self.fade_in_curve))
        self.fade_out = self._number(first.fade_out_s, 0.0, 3600.0, " s", decimals=3)
        self.fade_out_curve = self._curve(first.fade_out_curve, self.tr("Shape of the fade out"))
        form.addRow(self._label(self.tr("Fade &out:"), self.fade_out), self._row(self.fade_out, self.fade_out_curve))
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(ok_and_cancel(self))
        self._before = self._values()

    def accept(self) -> None:
        """Hand the clips over with what was changed."""
        changed = {name: value for name, value in self._values().items() if value != self._before[name]}
        self.accepted_clips.emit([_with(clip, changed) for clip in self._clips])
        super().accept()

    def _values(self) -> dict[str, Any]:
        return {
            "start_s": self.start.value(),
            "duration_s": self.duration.value(),
            "gain_db": self.gain.value(),
            "fade_in_s": self.fade_in.value(),
            "fade_out_s": self.fade_out.value(),
            "fade_in_curve": self.fade_in_curve.currentData(),
            "fade_out_curve": self.fade_out_curve.currentData(),
        }

    @staticmethod
    def _number(value: float, low: float, high: float, suffix: str, *, decimals: int) -> QDoubleSpinBox:
        box = DoubleSpinBox()
        box.setDecimals(decimals)
        box.setRange(low, high)
        box.setSingleStep(0.1)
        box.setSuffix(suffix)
        box.setValue(value)
        return box

    @staticmethod
    def _curve(curve: FadeCurve, name: str) -> QComboBox:
        box = QComboBox()
        for each in FADE_CURVES:
            box.addItem(fade_curve_name(each), each)
        box.setCurrentIndex(box.findData(curve))
        box.setAccessibleName(name)
        return box

    @staticmethod
    def _label(text: str, buddy: QWidget) -> PlainLabel:
        label = PlainLabel(text)
        label.setBuddy(buddy)
        return label

    @staticmethod
    def _row(*widgets: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        return row


def _with(clip: Clip, changed: dict[str, Any]) -> Clip:
    """The clip with some of its values changed, as far as they go together."""
    plain = {name: value for name, value in changed.items() if name not in ("duration_s", "fade_in_s", "fade_out_s")}
    clip = dataclasses.replace(clip, **plain)
    if "duration_s" in changed:
        clip = resized(clip, end_s=clip.start_s + changed["duration_s"])
    return with_fades(clip, fade_in_s=changed.get("fade_in_s"), fade_out_s=changed.get("fade_out_s"))
