"""Ways to make a take from a take, each registered once: its page in the dialog, and its command.

A new way is a page that says a `SoundEdit`, and its entry; menu, keys and dialog follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.plain_text import PlainLabel
from sounddesk.domain.registry import Registry
from sounddesk.domain.take import Take
from sounddesk.engine.generation.sound_edits import DEFAULT_STRENGTH
from sounddesk.engine.generation.sound_edits import LEAST_RANGE_S
from sounddesk.engine.generation.sound_edits import Extension
from sounddesk.engine.generation.sound_edits import Looping
from sounddesk.engine.generation.sound_edits import Regeneration
from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation
from sounddesk.engine.generation.sound_edits import strength_words
from sounddesk.engine.specs import MAX_SECONDS

_STEPS: Final = 100
Range = tuple[float, float]


class ReworkPage(QWidget):
    """What is asked before something is made from a take. Signals: changed(): it says something else now."""

    changed = Signal()

    @property
    def edit(self) -> SoundEdit:
        """What the page says."""
        raise NotImplementedError

    @property
    def range_s(self) -> Range | None:
        """The seconds of the take that it is about; None for no part of it."""
        return None

    @property
    def is_possible(self) -> bool:
        """Whether that can be made."""
        return True

    def set_range(self, start_s: float, end_s: float) -> None:
        """Be about these seconds, where a page is about a part."""


class VaryPage(ReworkPage):
    """How much of the take is made anew."""

    def __init__(self, _take: Take, _range_s: Range | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.strength = QSlider(Qt.Orientation.Horizontal)
        self.strength.setRange(0, _STEPS)
        self.strength.setPageStep(_STEPS // 10)
        self.strength.setAccessibleName(self.tr("Strength"))
        self.words = PlainLabel()
        self.words.setWordWrap(True)
        self.strength.valueChanged.connect(self._show_strength)
        self.strength.setValue(round(DEFAULT_STRENGTH * _STEPS))
        form = QFormLayout(self)
        form.addRow(self.tr("&Strength"), self.strength)
        form.addRow("", self.words)

    @property
    def edit(self) -> SoundEdit:
        return Variation(strength=self.strength.value() / _STEPS)

    def _show_strength(self, value: int) -> None:
        text = f"{value / _STEPS:.2f}: {strength_words(value / _STEPS)}"
        self.words.setText(text)
        # Read out with the number, which alone says little.
        self.strength.setAccessibleDescription(text)


class RangePage(ReworkPage):
    """Which seconds are made anew, by default the middle third."""

    def __init__(self, take: Take, range_s: Range | None, parent: QWidget) -> None:
        super().__init__(parent)
        start_s, end_s = range_s or (take.seconds / 3, take.seconds * 2 / 3)
        self.start = _seconds_box(0.0, take.seconds, start_s, name=self.tr("Start of the range"))
        self.end = _seconds_box(0.0, take.seconds, end_s, name=self.tr("End of the range"))
        for box in (self.start, self.end):
            box.valueChanged.connect(lambda _value: self.changed.emit())
        row = QHBoxLayout()
        row.addWidget(self.start)
        row.addWidget(PlainLabel(self.tr("to")))
        row.addWidget(self.end)
        row.addStretch(1)
        form = QFormLayout(self)
        form.addRow(self.tr("Make &anew"), row)
        form.addRow("", PlainLabel(self.tr("Drag over the picture. All else stays as it is.")))

    @property
    def edit(self) -> SoundEdit:
        return Regeneration(start_s=self.start.value(), end_s=self.end.value())

    @property
    def range_s(self) -> Range | None:
        return self.start.value(), max(self.start.value(), self.end.value())

    @property
    def is_possible(self) -> bool:
        return self.end.value() - self.start.value() >= LEAST_RANGE_S

    def set_range(self, start_s: float, end_s: float) -> None:
        for box, value in ((self.start, start_s), (self.end, end_s)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.changed.emit()


class ExtendPage(ReworkPage):
    """For how long the sound goes on."""

    def __init__(self, take: Take, _range_s: Range | None, parent: QWidget) -> None:
        super().__init__(parent)
        most_s = max(LEAST_RANGE_S, MAX_SECONDS - take.seconds)
        self.more = _seconds_box(LEAST_RANGE_S, most_s, min(5.0, most_s), name=self.tr("Seconds to add"))
        form = QFormLayout(self)
        form.addRow(self.tr("&Go on for"), self.more)
        form.addRow("", PlainLabel(self.tr("What is there stays as it is.")))

    @property
    def edit(self) -> SoundEdit:
        return Extension(seconds=self.more.value())


class LoopPage(ReworkPage):
    """How long the seam between end and start is."""

    def __init__(self, _take: Take, _range_s: Range | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.seam = _seconds_box(LEAST_RANGE_S, 10.0, Looping().seam_s, name=self.tr("Length of the seam"))
        form = QFormLayout(self)
        form.addRow(self.tr("S&eam"), self.seam)
        form.addRow("", PlainLabel(self.tr("The end will lead into the start, and clips of it repeat.")))

    @property
    def edit(self) -> SoundEdit:
        return Looping(seam_s=self.seam.value())


@dataclass(frozen=True, kw_only=True)
class ReworkEntry:
    """A way to make a take from a take.

    Attributes:
        name: also that of the command, behind 'takes.'.
        tab: title of the page in the dialog.
        title, tip: of the command.
        page: makes the page for a take, the seconds of it that are looped now if any, and its parent.
    """

    name: str
    tab: str
    title: str
    tip: str
    page: Callable[[Take, Range | None, QWidget], ReworkPage]


REWORKS: Final[Registry[ReworkEntry]] = Registry("way to make a take from a take")
for _entry in (
    ReworkEntry(name="vary", tab="Vary", title="&Vary take…", page=VaryPage,
                tip="Takes that begin from this one, more or less like it"),
    ReworkEntry(name="regenerate", tab="Range", title="&Regenerate range of take…", page=RangePage,
                tip="Only a range is made anew, the rest stays"),
    ReworkEntry(name="extend", tab="Extend", title="&Extend take…", page=ExtendPage,
                tip="The sound goes on behind its end"),
    ReworkEntry(name="loop", tab="Loop", title="Make take &loopable…", page=LoopPage,
                tip="The end leads into the start"),
):  # fmt: skip
    REWORKS.register(_entry)


def _seconds_box(low: float, high: float, value: float, *, name: str) -> DoubleSpinBox:
    box = DoubleSpinBox()
    box.setDecimals(2)
    box.setRange(low, high)
    box.setSingleStep(0.05)
    box.setSuffix(QCoreApplication.translate("ReworkPage", " s"))
    box.setValue(value)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    return box
