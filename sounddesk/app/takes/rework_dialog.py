"""What can be made from a take, a page for each way."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QTabWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.spin_boxes import SpinBox
from sounddesk.app.takes.rework_pages import REWORKS
from sounddesk.app.takes.rework_pages import Range
from sounddesk.app.takes.rework_pages import ReworkPage
from sounddesk.app.takes.take_wave import TakeWave
from sounddesk.domain.take import Take


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
        page: str = "vary",
        range_s: Range | None = None,
    ) -> None:
        """`name`: of the take; `page`: name of the way that is in front; `range_s`: what is to be made anew.

        Raises: UnknownNameError.
        """
        super().__init__(parent)
        self.take_id = take.id
        self.setWindowTitle(self.tr("Make from {name}").format(name=name))
        self.wave = TakeWave(take, self)
        self.pages = QTabWidget(self)
        for entry in REWORKS:
            made = entry.page(take, range_s, self)
            made.changed.connect(self._show_page)
            self.pages.addTab(made, QCoreApplication.translate("ReworkDialog", entry.tab))
        self.count = SpinBox(self)
        self.count.setRange(1, 16)
        self.count.setPrefix(self.tr("× "))
        self.count.setAccessibleName(self.tr("Number of takes"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.make = QPushButton(self.tr("&Make"))
        self.make.setDefault(True)
        self.make.setProperty("accent", True)
        self.make.clicked.connect(lambda: self.requested.emit(self.page.edit, self.count.value()))
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
        self.wave.range_changed.connect(self._set_range)
        self.pages.currentChanged.connect(lambda _index: self._show_page())
        self.finished.connect(lambda _result: self.wave.close_background())
        self.show_page(page)
        self._show_page()

    def show_page(self, name: str) -> None:
        """Bring a way of `REWORKS` to the front. Raises: UnknownNameError."""
        self.pages.setCurrentIndex([each.name for each in REWORKS].index(REWORKS.get(name).name))

    @property
    def page(self) -> ReworkPage:
        """The page in front."""
        shown = self.pages.currentWidget()
        assert isinstance(shown, ReworkPage)
        return shown

    def _set_range(self, start_s: float, end_s: float) -> None:
        self.page.set_range(start_s, end_s)

    def _show_page(self) -> None:
        """What the page in front is about, in the picture, and whether it can be made."""
        self.wave.show_range(self.page.range_s)
        self.make.setEnabled(self.page.is_possible)
