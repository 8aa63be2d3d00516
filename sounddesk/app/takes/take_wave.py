"""A take's spectrogram with a range on it that can be dragged."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import colour
from sounddesk.app.takes.take_pictures import draw
from sounddesk.app.workers.background import Background
from sounddesk.domain.take import Take

_SIZE: Final = (640, 140)
# What lies outside of the range, over the picture.
_SHADE: Final = QColor(0, 0, 0, 150)


class TakeWave(QWidget):
    """Signals: range_changed(start_s, end_s): the user dragged another range."""

    range_changed = Signal(float, float)

    def __init__(self, take: Take, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seconds = take.seconds
        self._range_s: tuple[float, float] | None = None
        self._pressed_s = 0.0
        self._picture: QImage | None = None
        self.setMinimumSize(320, 100)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAccessibleName(self.tr("Spectrogram of the take"))
        self._background = Background(self, name="drawing the spectrogram")
        self._background.done.connect(self._show)
        self._background.start(take.id, partial(draw, take, width=_SIZE[0], height=_SIZE[1]))

    def close_background(self) -> None:
        """Wait for the picture in the making."""
        self._background.close()

    def show_range(self, range_s: tuple[float, float] | None) -> None:
        """Show another range, in seconds; None for none, which cannot be dragged either."""
        self._range_s = range_s
        self.update()

    def _show(self, _key: object, image: QImage) -> None:
        self._picture = image
        self.update()

    def _time_at(self, event: QMouseEvent) -> float:
        share = event.position().x() / max(1, self.width())
        return min(1.0, max(0.0, share)) * self._seconds

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._range_s is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed_s = self._time_at(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._range_s is not None and event.buttons() & Qt.MouseButton.LeftButton:
            now_s = self._time_at(event)
            self._range_s = min(now_s, self._pressed_s), max(now_s, self._pressed_s)
            self.range_changed.emit(*self._range_s)
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            area = QRectF(self.rect())
            painter.fillRect(area, colour("sunken"))
            if self._picture is not None:
                painter.drawImage(area, self._picture)
            if self._range_s is None:
                return
            first, last = (area.width() * each / self._seconds for each in self._range_s)
            painter.fillRect(QRectF(0, 0, first, area.height()), _SHADE)
            painter.fillRect(QRectF(last, 0, area.width() - last, area.height()), _SHADE)
            painter.setPen(QPen(colour("accent"), 2))
            painter.drawRect(QRectF(first, 1, last - first, area.height() - 2))
