"""Masks as coloured pictures over the image: what a click would change, and what is suggested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter

from sounddesk.app.canvas.viewport import Viewport
from sounddesk.app.look.image_copy import image_copy
from sounddesk.app.look.theme import PICK_COLOURS
from sounddesk.app.workers.mask_change import GAINED
from sounddesk.app.workers.mask_change import GAINED_EDGE
from sounddesk.app.workers.mask_change import LOST
from sounddesk.app.workers.mask_change import LOST_EDGE
from sounddesk.app.workers.mask_change import MaskChange
from sounddesk.domain.mask import Box

# Alpha of 255, inside and at the edge.
_INSIDE: Final = 105
_EDGE: Final = 255


@dataclass(frozen=True, eq=False)
class ChangePicture:
    """A picture and the part of the image that it covers."""

    image: QImage
    box: Box

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        """Paint it in widget coordinates."""
        x, y = viewport.to_widget(self.box.left, self.box.top)
        scale = viewport.scale
        painter.drawImage(QRectF(x, y, self.box.width * scale, self.box.height * scale), self.image)


def picture_of(change: MaskChange | None, *, gained: QColor) -> ChangePicture | None:
    """What comes in in one colour and what goes out in that of removal, both with a full edge; None for no change."""
    if change is None:
        return None
    image = image_copy(change.codes)
    table = [0] * (1 + max(GAINED, GAINED_EDGE, LOST, LOST_EDGE))
    for code, colour, alpha in (
        (GAINED, gained, _INSIDE),
        (GAINED_EDGE, gained, _EDGE),
        (LOST, PICK_COLOURS["remove"], _INSIDE),
        (LOST_EDGE, PICK_COLOURS["remove"], _EDGE),
    ):
        table[code] = QColor(colour.red(), colour.green(), colour.blue(), alpha).rgba()
    image.setColorTable(table)
    return ChangePicture(image, change.box)
