"""What a panel says while there is nothing in it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from sounddesk.app.look.theme import BODY
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font

_MARGIN: Final = 16


def draw_empty_text(painter: QPainter, where: QRect, text: str) -> None:
    """Draw a sentence in the middle of a place that is empty, in muted ink and in as many lines as it needs."""
    painter.setFont(font(BODY))
    painter.setPen(colour("muted"))
    inner = where.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
    painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
