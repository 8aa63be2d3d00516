"""Text of others as it is: names of objects, files and bundles are shown, never read as markup.

Qt guesses whether a label, a message box or a tool tip holds HTML, and then opens the files and links that it names.
"""

from __future__ import annotations

import html
import re
from typing import Any
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtGui import QTextCursor
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QTextBrowser
from PySide6.QtWidgets import QWidget

from sounddesk.app.text_spacing import set_spacing

# A line that is nothing else goes as a whole: an empty one would end a table.
_COMMENT: Final = re.compile(r"^[ \t]*<!--.*?-->[ \t]*(?:\n|$)|<!--.*?-->", re.MULTILINE | re.DOTALL)


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
        """Show a text in GitHub's dialect from its beginning; HTML in it is shown as it is written, save comments."""
        features = QTextDocument.MarkdownFeature
        told = _COMMENT.sub("", text)
        self.document().setMarkdown(told, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        set_spacing(self.document())
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def loadResource(self, _type: int, _name: QUrl | str) -> Any:  # noqa: N802  # Qt's name
        """Nothing is opened because a text names it."""
        return None

    @staticmethod
    def _follow(url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
