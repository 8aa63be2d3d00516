"""Text of others as it is: names of objects, files and bundles are shown, never read as markup.

Qt guesses whether a label, a message box or a tool tip holds HTML, and then opens the files and links that it names.
"""

from __future__ import annotations

import html
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QTextBrowser
from PySide6.QtWidgets import QWidget


class PlainLabel(QLabel):
    """A label that shows its text as it is."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


class PlainMessageBox(QMessageBox):
    """A message box that shows its texts as they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)


def plain_tip(text: str) -> str:
    """A text for `setToolTip` that is shown as it is.

    Example:
        >>> plain_tip("cow & calf"), plain_tip("<b>")
        ('cow & calf', '<p style="white-space: pre-wrap">&lt;b&gt;</p>')
    """
    if "<" not in text:
        return text
    return f'<p style="white-space: pre-wrap">{html.escape(text)}</p>'


class ForeignMarkdown(QTextBrowser):
    """Markdown of others, such as a model's card: without HTML, without pictures, and web links are all that opens."""

    def __init__(self, parent: QWidget | None = None, *, follow_links: bool = True) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        if follow_links:
            self.anchorClicked.connect(self._follow)

    def show_markdown(self, text: str) -> None:
        """Show a text in GitHub's dialect; HTML in it is shown as it is written."""
        features = QTextDocument.MarkdownFeature
        self.document().setMarkdown(text, features.MarkdownDialectGitHub | features.MarkdownNoHTML)

    def loadResource(self, _type: int, _name: QUrl | str) -> Any:  # noqa: N802  # Qt's name
        """Nothing is opened because a text names it."""
        return None

    @staticmethod
    def _follow(url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
