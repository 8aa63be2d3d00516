"""A picture of the view that survives from one frame to the next, so that only what changed is drawn again."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QRect
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap
from PySide6.QtGui import QRegion

from sounddesk.app.canvas.viewport import Viewport

Draw = Callable[[QPainter], None]


class ViewCache:
    """The view in device pixels.

    On a 4K canvas, scaling image and masks takes 30 ms and copying what is ready takes 6: a brush stroke or a pan
    must only pay for the pixels that it changed.
    """

    def __init__(self) -> None:
        self._pixmap = QPixmap()
        self._ratio = 1.0
        self._viewport: Viewport | None = None
        self._stale = QRegion()

    def invalidate(self, rect: QRectF | None = None) -> None:
        """Draw this part (logical pixels of the widget) again at the next `picture`; None for all of it."""
        whole = self._pixmap.rect()
        if rect is None:
            self._stale = QRegion(whole)
            return
        ratio = self._ratio
        left, top = math.floor(rect.left() * ratio) - 1, math.floor(rect.top() * ratio) - 1
        right, bottom = math.ceil(rect.right() * ratio) + 1, math.ceil(rect.bottom() * ratio) + 1
        self._stale += QRegion(QRect(left, top, right - left, bottom - top).intersected(whole))

    def picture(self, *, size: QSize, ratio: float, viewport: Viewport, draw: Draw) -> QPixmap:
        """The view through `viewport` in a widget of `size` logical pixels with `ratio` device pixels each.

        `draw` paints the whole view in logical pixels; what is not missing is clipped away.
        """
        device = QSize(math.ceil(size.width() * ratio), math.ceil(size.height() * ratio))
        if self._pixmap.size() != device or self._ratio != ratio:
            self._pixmap = QPixmap(device)
            self._ratio = ratio
            self.invalidate()
        elif viewport != self._viewport:
            self._move_to(viewport)
        self._viewport = viewport
        if not self._stale.isEmpty():
            # In device pixels, in which the region is exact at any ratio.
            self._pixmap.setDevicePixelRatio(1.0)
            with QPainter(self._pixmap) as painter:
                painter.setClipRegion(self._stale)
                painter.scale(ratio, ratio)
                draw(painter)
            self._pixmap.setDevicePixelRatio(ratio)
            self._stale = QRegion()
        return self._pixmap

    def _move_to(self, viewport: Viewport) -> None:
        """Shift what is there where the view moved by whole device pixels; else all is stale."""
        old = self._viewport
        whole = self._pixmap.rect()
        if old is None or old.scale != viewport.scale:
            self.invalidate()
            return
        dx, dy = (viewport.left - old.left) * self._ratio, (viewport.top - old.top) * self._ratio
        x, y = round(dx), round(dy)
        if max(abs(dx - x), abs(dy - y)) > 1e-3 or abs(x) >= whole.width() or abs(y) >= whole.height():
            self.invalidate()
            return
        self._stale.translate(x, y)
        self._pixmap.scroll(x, y, whole)
        self._stale = self._stale.intersected(whole) + QRegion(whole).subtracted(QRegion(whole.translated(x, y)))
