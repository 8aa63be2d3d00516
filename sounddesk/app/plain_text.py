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
from PySide6.QtGui import QFontMetricsF
from PySide6.QtGui import QPalette
from PySide6.QtGui import QTextBlockFormat
from PySide6.QtGui import QTextCursor
from PySide6.QtGui import QTextDocument
from PySide6.QtGui import QTextTable
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QTextBrowser
from PySide6.QtWidgets import QWidget

_LINE_PERCENT: Final = 115
# In lines of the text.
_ABOVE_HEADINGS: Final = 0.8
_BELOW_HEADINGS: Final = 0.3
_BELOW_PARAGRAPHS: Final = 0.5
_BELOW_ITEMS: Final = 0.2
_IN_CELLS: Final = 0.25
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


def set_spacing(document: QTextDocument) -> None:
    """Give headings room above, paragraphs room below, lines some air, and tables thin lines: Qt sets Markdown without
    any of it.
    """
    line = QFontMetricsF(document.defaultFont()).height()
    cursor = QTextCursor(document)
    block = document.begin()
    while block.isValid():
        was, made = block.blockFormat(), QTextBlockFormat()
        if was.headingLevel() > 0:
            made.setTopMargin(line * _ABOVE_HEADINGS if block.blockNumber() else 0.0)
            made.setBottomMargin(line * _BELOW_HEADINGS)
        elif not was.hasProperty(QTextBlockFormat.Property.BlockCodeFence):
            made.setBottomMargin(line * (_BELOW_ITEMS if block.textList() is not None else _BELOW_PARAGRAPHS))
            made.setLineHeight(_LINE_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setPosition(block.position())
        # In tables the cells have room of their own.
        if cursor.currentTable() is None:
            cursor.mergeBlockFormat(made)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            ruled = frame.format().toTableFormat()
            ruled.setBorderBrush(QApplication.palette().color(QPalette.ColorRole.Mid))
            ruled.setCellPadding(line * _IN_CELLS)
            frame.setFormat(ruled)
