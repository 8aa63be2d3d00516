"""How the window shows notices: a line in the status bar, or a box for what failed."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMainWindow
from PySide6.QtWidgets import QPushButton

from sounddesk.app.notifications import Level
from sounddesk.app.notifications import Notice
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainMessageBox

_SHOWN_MS: Final = {Level.INFO: 10_000, Level.WARNING: 20_000}


class NoticeView(QObject):
    """Shows what the notifier tells in the window that it is made for."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        # Never without a text: to a screen reader it is there even while it is hidden.
        self._button = QPushButton(self.tr("Show"), window)
        self._button.setFlat(True)
        self._button.hide()
        self._pressed: Notice | None = None
        window.statusBar().addPermanentWidget(self._button)
        window.statusBar().messageChanged.connect(self._on_line)
        self._button.clicked.connect(self._on_button)
        self._boxes: dict[Notice, PlainMessageBox] = {}
        notifier.noticed.connect(self.show_notice)

    def close(self) -> None:
        """Show nothing more, and take away what is shown."""
        notifier.noticed.disconnect(self.show_notice)
        for box in list(self._boxes.values()):
            box.close()

    def show_notice(self, notice: Notice) -> None:
        """A line for some seconds, or a box that does not stop anything else."""
        if notice.level is Level.ERROR:
            self._show_box(notice)
            return
        self._window.statusBar().showMessage(notice.line, _SHOWN_MS[notice.level])
        self._pressed = notice
        if notice.button is not None:
            self._button.setText(notice.button.text)
        self._button.setVisible(notice.button is not None)

    def _on_line(self, text: str) -> None:
        """The button goes with its line."""
        if self._pressed is not None and text != self._pressed.line:
            self._pressed = None
            self._button.hide()

    def _on_button(self) -> None:
        if self._pressed is not None and self._pressed.button is not None:
            self._pressed.button.press()

    def _show_box(self, notice: Notice) -> None:
        # Ten takes that fail for one reason are one box.
        if notice in self._boxes:
            return
        box = PlainMessageBox(self._window)
        box.setIcon(PlainMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("sounddesk"))
        box.setText(notice.title)
        box.setInformativeText("\n".join(part for part in (notice.cause, notice.remedy) if part))
        # Named, because with another button beside it Qt finds none for the Escape key and for closing.
        box.setEscapeButton(box.addButton(PlainMessageBox.StandardButton.Ok))
        if notice.button is not None:
            extra = box.addButton(notice.button.text, PlainMessageBox.ButtonRole.ActionRole)
            extra.clicked.connect(notice.button.press)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._boxes[notice] = box
        box.finished.connect(lambda _result: self._boxes.pop(notice, None))
        box.open()
