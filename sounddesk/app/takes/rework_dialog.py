"""What can be made from a take: variations, a range made anew, a longer sound, a loop."""

from __future__ import annotations

from typing import Final
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QTabWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.takes.take_wave import TakeWave
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

Page = Literal["vary", "regenerate", "extend", "loop"]
PAGES: Final[tuple[Page, ...]] = ("vary", "regenerate", "extend", "loop")
_STEPS: Final = 100


class ReworkDialog(QDialog):
    """For one take; it stays open, so that several things can be tried.

    Signals:
        requested(edit, count): a `SoundEdit`, and how many takes of it.
    """

    requested = Signal(object, int)

    def __init__(
        self,
        take: Take,
        name: str,
        parent: QWidget | None = None,
        *,
        page: Page = "vary",
        range_s: tuple[float, float] | None = None,
    ) -> None:
        """`name`: of the take; `range_s`: what is to be made anew, by default the middle third."""
        super().__init__(parent)
        self.take_id = take.id
        self._seconds = take.seconds
        self.setWindowTitle(self.tr("Make from {name}").format(name=name))
        self.wave = TakeWave(take, self)
        self.pages = QTabWidget(self)
        self.pages.addTab(self._vary_page(), self.tr("Vary"))
        self.pages.addTab(self._regenerate_page(range_s or (take.seconds / 3, take.seconds * 2 / 3)), self.tr("Range"))
        self.pages.addTab(self._extend_page(), self.tr("Extend"))
        self.pages.addTab(self._loop_page(), self.tr("Loop"))
        self.count = QSpinBox(self)
        self.count.setRange(1, 16)
        self.count.setPrefix(self.tr("× "))
        self.count.setAccessibleName(self.tr("Number of takes"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.make = QPushButton(self.tr("&Make"))
        self.make.setDefault(True)
        self.make.clicked.connect(lambda: self.requested.emit(self.edit, self.count.value()))
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.make)
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.addWidget(self.wave, 1)
        layout.addWidget(self.pages)
        layout.addLayout(row)
        self.wave.range_changed.connect(self._on_dragged)
        self.pages.currentChanged.connect(lambda _index: self._show_range())
        self.finished.connect(lambda _result: self.wave.close_background())
        self.show_page(page)
        self._show_range()

    def show_page(self, page: Page) -> None:
        self.pages.setCurrentIndex(PAGES.index(page))

    @property
    def edit(self) -> SoundEdit:
        """What the page in front says."""
        match PAGES[self.pages.currentIndex()]:
            case "vary":
                return Variation(strength=self.strength.value() / _STEPS)
            case "regenerate":
                return Regeneration(start_s=self.start.value(), end_s=self.end.value())
            case "extend":
                return Extension(seconds=self.more.value())
            case "loop":
                return Looping(seam_s=self.seam.value())

    # ------------------------------------------------------------------ pages

    def _vary_page(self) -> QWidget:
        self.strength = QSlider(Qt.Orientation.Horizontal)
        self.strength.setRange(0, _STEPS)
        self.strength.setPageStep(_STEPS // 10)
        self.strength.setValue(round(DEFAULT_STRENGTH * _STEPS))
        self.strength.setAccessibleName(self.tr("Strength"))
        self.words = PlainLabel()
        self.words.setWordWrap(True)
        self.strength.valueChanged.connect(self._show_strength)
        self._show_strength(self.strength.value())
        page = QWidget(self)
        form = QFormLayout(page)
        form.addRow(self.tr("&Strength"), self.strength)
        form.addRow("", self.words)
        return page

    def _show_strength(self, value: int) -> None:
        text = f"{value / _STEPS:.2f}: {strength_words(value / _STEPS)}"
        self.words.setText(text)
        # Read out with the number, which alone says little.
        self.strength.setAccessibleDescription(text)

    def _regenerate_page(self, range_s: tuple[float, float]) -> QWidget:
        self.start = self._seconds_box(0.0, self._seconds, range_s[0], name=self.tr("Start of the range"))
        self.end = self._seconds_box(0.0, self._seconds, range_s[1], name=self.tr("End of the range"))
        for box in (self.start, self.end):
            box.valueChanged.connect(lambda _value: self._show_range())
        row = QHBoxLayout()
        row.addWidget(self.start)
        row.addWidget(PlainLabel(self.tr("to")))
        row.addWidget(self.end)
        row.addStretch(1)
        page = QWidget(self)
        form = QFormLayout(page)
        form.addRow(self.tr("Make &anew"), row)
        form.addRow("", PlainLabel(self.tr("Drag over the picture. All else stays as it is.")))
        return page

    def _extend_page(self) -> QWidget:
        most_s = max(LEAST_RANGE_S, MAX_SECONDS - self._seconds)
        self.more = self._seconds_box(LEAST_RANGE_S, most_s, min(5.0, most_s), name=self.tr("Seconds to add"))
        page = QWidget(self)
        form = QFormLayout(page)
        form.addRow(self.tr("&Go on for"), self.more)
        form.addRow("", PlainLabel(self.tr("What is there stays as it is.")))
        return page

    def _loop_page(self) -> QWidget:
        self.seam = self._seconds_box(LEAST_RANGE_S, 10.0, Looping().seam_s, name=self.tr("Length of the seam"))
        page = QWidget(self)
        form = QFormLayout(page)
        form.addRow(self.tr("S&eam"), self.seam)
        form.addRow("", PlainLabel(self.tr("The end will lead into the start, and clips of it repeat.")))
        return page

    def _seconds_box(self, low: float, high: float, value: float, *, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setDecimals(2)
        box.setRange(low, high)
        box.setSingleStep(0.05)
        box.setSuffix(self.tr(" s"))
        box.setValue(value)
        box.setKeyboardTracking(False)
        box.setAccessibleName(name)
        return box

    # ------------------------------------------------------------------ the range

    def _show_range(self) -> None:
        edit = self.edit
        if isinstance(edit, Regeneration):
            self.wave.show_range((edit.start_s, max(edit.start_s, edit.end_s)))
            self.make.setEnabled(edit.end_s - edit.start_s >= LEAST_RANGE_S)
        else:
            self.wave.show_range(None)
            self.make.setEnabled(True)

    def _on_dragged(self, start_s: float, end_s: float) -> None:
        for box, value in ((self.start, start_s), (self.end, end_s)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self._show_range()
