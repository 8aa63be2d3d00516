"""What a panel says while there is nothing in it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import BODY
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font

_MARGIN: Final = 16


class EmptyTextList(QListWidget):
    """A list that says in its middle why it is empty, or what would fill it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty_text = ""

    def set_empty_text(self, text: str) -> None:
        """What stands here while nothing is listed."""
        self._empty_text = text
        self.setAccessibleDescription("" if self.count() else text)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self.count() == 0:
            with QPainter(self.viewport()) as painter:
                draw_empty_text(painter, self.viewport().rect(), self._empty_text)


def draw_empty_text(painter: QPainter, where: QRect, text: str) -> None:
    """Draw a sentence in the middle of a place that is empty, in muted ink and in as many lines as it needs."""
    painter.setFont(font(BODY))
    painter.setPen(colour("muted"))
    inner = where.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
    painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
