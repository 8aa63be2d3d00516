"""Cut-outs of objects for their rows, made off the UI thread and kept while the mask is the same."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QIcon
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap

from sounddesk.app.look.image_copy import image_copy
from sounddesk.app.workers.background import Background
from sounddesk.domain.mask import Box
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import RgbImage

# Logical pixels of a row's picture, and of the bar in the object's colour at its left.
SIDE: Final = 36
_BAR: Final = 4
# Drawn so much finer, for dense screens.
_DENSE: Final = 2
_MARGIN: Final = 0.12
# What lies around the object, of its brightness.
_DIMMED: Final = 0.3


class Thumbnails(QObject):
    """Signals: ready(object_id): its cut-out can be had now."""

    ready = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._made: dict[str, tuple[TiledMask, QPixmap]] = {}
        self._asked: dict[str, TiledMask] = {}
        self._background = Background(self, name="cutting out the object")
        self._background.done.connect(self._keep)

    def close(self) -> None:
        """Wait for what is being made."""
        self._background.close()

    def forget(self) -> None:
        """Another image is shown."""
        self._background.forget_all()
        self._made, self._asked = {}, {}

    def icon_of(self, each: SceneObject, image: RgbImage | None) -> QIcon:
        """The object's cut-out beside a bar in its colour; the bar alone while it is being made, or without a mask."""
        found = self._made.get(each.id)
        mask = each.mask
        if image is not None and (found is None or found[0] is not mask) and self._asked.get(each.id) is not mask:
            self._asked[each.id] = mask
            self._background.start(each.id, lambda: (mask, cut_out(image, mask, side=_DENSE * SIDE)))
        pixmap = QPixmap(_DENSE * (SIDE + _BAR + 2), _DENSE * SIDE)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            painter.fillRect(QRectF(0, 0, _DENSE * _BAR, pixmap.height()), QColor(each.colour))
            if found is not None:
                painter.drawPixmap(_DENSE * (_BAR + 2), 0, found[1])
        made = QIcon(pixmap)
        # As it is in a selected row too: Qt would tint it.
        made.addPixmap(pixmap, QIcon.Mode.Selected)
        return made

    def _keep(self, object_id: str, result: tuple[TiledMask, QImage]) -> None:
        mask, image = result
        self._made[object_id] = (mask, QPixmap.fromImage(image))
        self.ready.emit(object_id)


def cut_out(image: RgbImage, mask: TiledMask, *, side: int) -> QImage:
    """The object in a square of `side` pixels, what is around it dimmed; a null image for an empty mask. Safe on any
    thread.

    Args:
        image: uint8[H, W, 3], of the mask's size.
    """
    box = mask.bounding_box
    if box is None:
        return QImage()
    edge = round(max(box.width, box.height) * (1 + 2 * _MARGIN))
    middle = ((box.left + box.right) // 2, (box.top + box.bottom) // 2)
    left, top = max(0, middle[0] - edge // 2), max(0, middle[1] - edge // 2)
    right, bottom = min(mask.width, left + edge), min(mask.height, top + edge)
    part = Box(left=left, top=top, right=right, bottom=bottom)
    step = max(1, edge // (2 * side))
    coverage = mask.region(part)[::step, ::step, None].astype(np.float32) / 255.0
    pixels = image[top:bottom:step, left:right:step].astype(np.float32)
    whole = image_copy((pixels * (_DIMMED + (1 - _DIMMED) * coverage)).astype(np.uint8))
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    scaled = whole.scaled(side, side, keep, smooth)
    return scaled.copy((scaled.width() - side) // 2, (scaled.height() - side) // 2, side, side)
