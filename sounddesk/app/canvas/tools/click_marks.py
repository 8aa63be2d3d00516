"""The clicks of an object as they are shown on the image."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen

from sounddesk.app.canvas.tools.click_session import ClickSession
from sounddesk.app.look.theme import PICK_COLOURS


def paint_clicks(painter: QPainter, session: ClickSession, at: Callable[[float, float], QPointF]) -> None:
    """Dots in the colour of what they did; rings for clicks that wait for their answer.

    Args:
        painter: of the canvas.
        session: whose clicks.
        at: from image pixels to the widget.
    """
    for number, (point, positive) in enumerate(zip(session.points, session.labels, strict=True)):
        colour = PICK_COLOURS["add" if positive else "remove"]
        if number < session.answered:
            painter.setPen(QColor("white"))
            painter.setBrush(colour)
            painter.drawEllipse(at(*point), 4.5, 4.5)
            continue
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(QColor("black"), 4.0), QPen(colour, 2.0)):
            painter.setPen(pen)
            painter.drawEllipse(at(*point), 6.0, 6.0)
