"""Cross hairs with a sign for what a click does."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QLineF
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QCursor
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen
from PySide6.QtGui import QPixmap

from sounddesk.app.canvas.tools.canvas_port import PickMode
from sounddesk.app.look.theme import PICK_COLOURS

# Logical pixels.
_SIDE: Final = 32
_MIDDLE: Final = 12.0
_ARM: Final = 8.0
_SIGN: Final = (23.0, 23.0)
_SIGN_ARM: Final = 5.0


def pick_cursor(pick: PickMode) -> QCursor:
    """White on black, so that it is seen on any image; beside it a plus, a minus, or a ring for a new object."""
    pixmap = QPixmap(_SIDE, _SIDE)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((QColor("black"), 3.0), (QColor("white"), 1.0)):
            painter.setPen(QPen(colour, width))
            for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(QLineF(_MIDDLE + 2 * x, _MIDDLE + 2 * y, _MIDDLE + _ARM * x, _MIDDLE + _ARM * y))
        sign_x, sign_y = _SIGN
        for colour, width in ((QColor("black"), 5.0), (PICK_COLOURS[pick], 2.5)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            if pick == "new":
                painter.drawEllipse(QPointF(sign_x, sign_y), _SIGN_ARM - 1, _SIGN_ARM - 1)
            else:
                painter.drawLine(QLineF(sign_x - _SIGN_ARM, sign_y, sign_x + _SIGN_ARM, sign_y))
            if pick == "add":
                painter.drawLine(QLineF(sign_x, sign_y - _SIGN_ARM, sign_x, sign_y + _SIGN_ARM))
    return QCursor(pixmap, int(_MIDDLE), int(_MIDDLE))
