"""A widget that shows a part of an image: which one, and the ways to another part."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.viewport import Viewport
from sounddesk.app.canvas.viewport import fitted


class ZoomableWidget(QWidget):
    """Zoomed by the wheel, and fitted until it is zoomed or moved.

    Attributes:
        free_below: logical pixels at the lower edge where a bar lies: the whole image fits above.

    Signals:
        view_changed(): another part of the image is in sight, or another image.
    """

    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewport = Viewport()
        self._fit = True
        self.free_below = 0

    def image_size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None without an image."""
        raise NotImplementedError

    def zooming(self) -> None:
        """The scale is another one; more may follow at once."""

    @property
    def viewport(self) -> Viewport:
        """From image pixels to the widget's logical pixels and back."""
        return self._viewport

    @viewport.setter
    def viewport(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self.view_changed.emit()

    def fit(self) -> None:
        """The whole image in sight; stays so while the window changes its size."""
        self._fit = True
        image = self.image_size()
        if image is not None:
            self.viewport = fitted(image=image, widget=(self.width(), self.height()), below=self.free_below)
        self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a widget position, by default the middle."""
        self._fit, point = False, at or QPointF(self.width() / 2, self.height() / 2)
        self.viewport = self.viewport.zoomed(factor, at_x=point.x(), at_y=point.y())
        self.zooming()
        self.update()

    def actual_size(self) -> None:
        """One image pixel on one device pixel."""
        self.zoom(1.0 / (self.viewport.scale * self.devicePixelRatioF()))

    def move_view(self, dx: float, dy: float) -> None:
        """Move the image by logical pixels."""
        self._fit = False
        self.viewport = self.viewport.moved(dx, dy)
        self.update()

    def look_at(self, x: float, y: float) -> None:
        """Bring an image position into the middle of the widget."""
        at_x, at_y = self.viewport.to_widget(x, y)
        self.move_view(self.width() / 2 - at_x, self.height() / 2 - at_y)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        delta = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.move_view((delta.x() or delta.y()) / 2, 0)
        elif delta.y():
            self.zoom(1.0015 ** delta.y(), event.position())
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self._fit:
            self.fit()
        else:
            self.view_changed.emit()
