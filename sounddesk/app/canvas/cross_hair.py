"""The cross hairs that stand for the mouse where the canvas is worked by keys."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen

from sounddesk.app.canvas.viewport import Viewport

# Of one press of an arrow key, in logical pixels.
_STEP: Final = 10.0
_ARROWS: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class CrossHair:
    """Attributes: place: (x, y) in image pixels; None while the mouse is used."""

    def __init__(self) -> None:
        self.place: tuple[float, float] | None = None

    def move(self, key: int, *, fine: bool, size: tuple[int, int], viewport: Viewport) -> bool:
        """By an arrow key, over an image of `size` (width, height); `fine`: by a pixel. False for any other key."""
        if key not in _ARROWS:
            return False
        dx, dy = _ARROWS[Qt.Key(key)]
        width, height = size
        x, y = self.place or (width / 2, height / 2)
        step = 1.0 if fine else _STEP / viewport.scale
        self.place = (min(max(x + dx * step, 0.0), width - 1.0), min(max(y + dy * step, 0.0), height - 1.0))
        return True

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        if self.place is None:
            return
        x, y = viewport.to_widget(*self.place)
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.0)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x - 12, y), QPointF(x + 12, y))
            painter.drawLine(QPointF(x, y - 12), QPointF(x, y + 12))
