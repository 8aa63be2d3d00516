"""The whole image, small, while the canvas shows only a part of it: which part, and the way to another one."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPen
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.look.theme import colour

# Width and height that it does not exceed, in logical pixels.
_LARGEST: Final = QSize(160, 120)
_SHADE: Final = QColor(0, 0, 0, 120)


class PictureOverview(QWidget):
    """Lies on the canvas. A press goes there, a drag moves the part in sight."""

    def __init__(self, canvas: ImageCanvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._picture = QPixmap()
        self._made_of: object = None
        self.setAccessibleName(self.tr("Overview of the image"))
        self.setToolTip(self.tr("Drag to move the part in sight"))
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        canvas.view_changed.connect(self.refresh)
        self.hide()

    def refresh(self) -> None:
        """Show which part of the image is in sight; hidden while that is all of it."""
        info = self._canvas.document.project.image
        whole = QRectF() if info is None else QRectF(0, 0, info.width, info.height)
        wanted = info is not None and not self.part_in_sight().adjusted(-1, -1, 1, 1).contains(whole)
        if wanted and self._made_of is not info:
            self._made_of = info
            small = self._canvas.small_picture(2 * max(_LARGEST.width(), _LARGEST.height()))
            self._picture = QPixmap.fromImage(small)
            self.setFixedSize(whole.size().toSize().scaled(_LARGEST, Qt.AspectRatioMode.KeepAspectRatio))
        if wanted != self.isVisibleTo(self._canvas):
            self.setVisible(wanted)
        self.update()

    def part_in_sight(self) -> QRectF:
        """In image pixels."""
        canvas = self._canvas
        left, top = canvas.viewport.to_image(0, 0)
        right, bottom = canvas.viewport.to_image(canvas.width(), canvas.height())
        return QRectF(QPointF(left, top), QPointF(right, bottom))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        """Bring what lies under the mouse into the middle of the canvas."""
        info = self._canvas.document.project.image
        if info is not None:
            share_x, share_y = event.position().x() / self.width(), event.position().y() / self.height()
            self._canvas.look_at(min(1.0, max(0.0, share_x)) * info.width, min(1.0, max(0.0, share_y)) * info.height)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        info = self._canvas.document.project.image
        if info is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(self.rect(), self._picture)
            sight = self.part_in_sight()
            across, down = self.width() / info.width, self.height() / info.height
            part = QRectF(sight.x() * across, sight.y() * down, sight.width() * across, sight.height() * down)
            part = part.intersected(QRectF(self.rect()))
            for rest in _around(QRectF(self.rect()), part):
                painter.fillRect(rest, _SHADE)
            painter.setPen(QPen(colour("accent"), 2))
            painter.drawRect(part.adjusted(1, 1, -1, -1))
            painter.setPen(colour("line"))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


def _around(whole: QRectF, part: QRectF) -> tuple[QRectF, ...]:
    """What `whole` has besides `part`."""
    return (
        QRectF(whole.left(), whole.top(), whole.width(), part.top() - whole.top()),
        QRectF(whole.left(), part.bottom(), whole.width(), whole.bottom() - part.bottom()),
        QRectF(whole.left(), part.top(), part.left() - whole.left(), part.height()),
        QRectF(part.right(), part.top(), whole.right() - part.right(), part.height()),
    )
