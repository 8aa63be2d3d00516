"""Room between the paragraphs of a page of text."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QFontMetricsF
from PySide6.QtGui import QPalette
from PySide6.QtGui import QTextBlockFormat
from PySide6.QtGui import QTextCursor
from PySide6.QtGui import QTextDocument
from PySide6.QtGui import QTextTable
from PySide6.QtWidgets import QApplication

_LINE_PERCENT: Final = 115
# In lines of the text.
_ABOVE_HEADINGS: Final = 0.8
_BELOW_HEADINGS: Final = 0.3
_BELOW_PARAGRAPHS: Final = 0.5
_BELOW_ITEMS: Final = 0.2
_IN_CELLS: Final = 0.25


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
