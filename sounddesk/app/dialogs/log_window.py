"""The log, and the report to copy into a message."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QPlainTextEdit
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.runtime.crash_reports import log_lines
from sounddesk.app.runtime.crash_reports import report
from sounddesk.app.settings import Settings


class LogWindow(QDialog):
    """Shows the last lines of the log, or of a crash of an earlier start."""

    def __init__(self, settings: Settings, parent: QWidget | None = None, *, crash: str | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Crash report") if crash else self.tr("Log"))
        self.resize(760, 480)
        self._settings = settings
        self._crash = crash
        text = (
            self.tr(
                "sounddesk ended unexpectedly last time. The report below names no files of yours; nothing is sent."
            )
            if crash
            else self.tr(
                "What sounddesk noted. The report adds versions, device and bundles, and names no files of yours."
            )
        )
        about = PlainLabel(text)
        about.setWordWrap(True)
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.setAccessibleName(self.tr("Log"))
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton(self.tr("Copy report"))
        refresh = QPushButton(self.tr("Refresh"))
        box.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        box.addButton(refresh, QDialogButtonBox.ButtonRole.ActionRole)
        box.rejected.connect(self.reject)
        copy.clicked.connect(self.copy_report)
        refresh.clicked.connect(self.refresh)
        layout = QVBoxLayout(self)
        layout.addWidget(about)
        layout.addWidget(self._text, 1)
        layout.addWidget(box)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest lines."""
        lines = log_lines() or [self.tr("The log is empty.")]
        self._text.setPlainText(report(self._settings, crash=self._crash) if self._crash else "\n".join(lines))
        if not self._crash:
            self._text.moveCursor(QTextCursor.MoveOperation.End)

    def copy_report(self) -> None:
        """Put the report into the clipboard."""
        QApplication.clipboard().setText(report(self._settings, crash=self._crash))
