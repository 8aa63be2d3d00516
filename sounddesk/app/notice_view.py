"""How the window shows notices: a line in the status bar, a toast where something can be done, a box for failures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QMainWindow
from PySide6.QtWidgets import QPushButton

from sounddesk.app.look.theme import PADDING
from sounddesk.app.notifications import Level
from sounddesk.app.notifications import Notice
from sounddesk.app.notifications import as_sentence
from sounddesk.app.notifications import notifier
from sounddesk.app.notifications import with_full_stop
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import PlainMessageBox

_TOAST_WIDTH: Final = 460
_SHOWN_MS: Final = {Level.INFO: 10_000, Level.WARNING: 20_000}


class Toast(QFrame):
    """What was done, and a button for what can be done about it; lies over the window for as long as the line does."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.setProperty("surface", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = PlainLabel(parent=self)
        self._text.setWordWrap(True)
        # Never without a text: to a screen reader it is there even while it is hidden.
        self.button = QPushButton(self.tr("Show"), self)
        self.button.setProperty("accent", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * PADDING, PADDING, PADDING, PADDING)
        row.setSpacing(2 * PADDING)
        row.addWidget(self._text, 1)
        row.addWidget(self.button)
        window.installEventFilter(self)
        self.hide()

    def show_text(self, text: str, *, button: str) -> None:
        """Show a line with a button."""
        self._text.setText(text)
        self.button.setText(button)
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        """At the lower right corner, above the status bar."""
        self.setFixedWidth(min(_TOAST_WIDTH, max(200, self._window.width() - 4 * PADDING)))
        self.adjustSize()
        bottom = self._window.height() - self._window.statusBar().height() - 2 * PADDING
        self.move(self._window.width() - self.width() - 2 * PADDING, bottom - self.height())


class NoticeView(QObject):
    """Shows what the notifier tells in the window that it is made for."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._toast = Toast(window)
        self._button = self._toast.button
        self._pressed: Notice | None = None
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
            self._toast.show_text(notice.line, button=notice.button.text)
        else:
            self._toast.hide()

    def _on_line(self, text: str) -> None:
        """The button goes with its line."""
        if self._pressed is not None and text != self._pressed.line:
            self._pressed = None
            self._toast.hide()

    def _on_button(self) -> None:
        pressed, self._pressed = self._pressed, None
        self._toast.hide()
        if pressed is not None and pressed.button is not None:
            pressed.button.press()

    def _show_box(self, notice: Notice) -> None:
        # Ten takes that fail for one reason are one box.
        if notice in self._boxes:
            return
        box = PlainMessageBox(self._window)
        box.setIcon(PlainMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("sounddesk"))
        box.setText(with_full_stop(as_sentence(notice.title)))
        parts = (with_full_stop(as_sentence(part)) for part in (notice.cause, notice.remedy))
        box.setInformativeText("\n".join(part for part in parts if part))
        # Named, because with another button beside it Qt finds none for the Escape key and for closing.
        box.setEscapeButton(box.addButton(PlainMessageBox.StandardButton.Ok))
        if notice.button is not None:
            extra = box.addButton(notice.button.text, PlainMessageBox.ButtonRole.ActionRole)
            extra.clicked.connect(notice.button.press)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._boxes[notice] = box
        box.finished.connect(lambda _result: self._boxes.pop(notice, None))
        box.open()
