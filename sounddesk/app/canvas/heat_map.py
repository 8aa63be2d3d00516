"""Patch weights over the image as colours, and the legend that says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter

from sounddesk.app.look.image_copy import image_copy

_BAR_WIDTH: Final = 120
_MARGIN: Final = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatMap:
    """Weights float32[P] of the patches, rows first.

    Attributes:
        grid: (rows, columns).
        title: what they are, e.g. 'attention of siren'.
    """

    weights: npt.NDArray[np.float32]
    grid: tuple[int, int]
    title: str

    def image(self) -> QImage:
        """A picture of rows x columns pixels: blue and clear at the least, red at the most."""
        spread = float(self.weights.max() - self.weights.min())
        shares = (self.weights - self.weights.min()) / (spread or 1.0)
        return _coloured(shares.reshape(self.grid))

    def labels(self) -> tuple[str, str]:
        """The least and the most weight, as multiples of what each patch would get if all were alike."""
        low, high = (float(each) * self.weights.size for each in (self.weights.min(), self.weights.max()))
        return f"{low:.1f} x", f"{high:.1f} x"


def draw_legend(painter: QPainter, heat: HeatMap, *, bottom: float) -> None:
    """Title and colour bar in the lower left corner of a widget that ends at y = `bottom`."""
    metrics = painter.fontMetrics()
    low, high = heat.labels()
    width = max(_BAR_WIDTH, metrics.horizontalAdvance(heat.title)) + 2 * _MARGIN
    line = metrics.height()
    box = QRectF(_MARGIN, bottom - 2 * line - 30, width, 2 * line + 22)
    painter.fillRect(box, QColor(0, 0, 0, 170))
    painter.setPen(QColor("white"))
    inner = box.adjusted(_MARGIN, 4, -_MARGIN, -4)
    painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, heat.title)
    bar = QRectF(inner.left(), inner.top() + line + 2, inner.width(), 8)
    ramp = _coloured(np.linspace(0.0, 1.0, 64, dtype=np.float32)[None, :])
    painter.drawImage(bar, ramp)
    baseline = bar.bottom() + line - 2
    painter.drawText(QPointF(inner.left(), baseline), low)
    painter.drawText(QPointF(inner.right() - metrics.horizontalAdvance(high), baseline), high)


def _coloured(shares: npt.NDArray[np.float32]) -> QImage:
    """Shares float[H, W] from 0 to 1 as colours."""
    rows, columns = shares.shape
    pixels = np.zeros((rows, columns, 4), dtype=np.uint8)
    alpha = (60 + 150 * shares).astype(np.uint16)
    for channel, ramp in enumerate((1 - shares, 0.8 - np.abs(shares - 0.5) * 1.6, shares)):
        pixels[..., channel] = (np.clip(ramp, 0, 1) * 255).astype(np.uint16) * alpha // 255
    pixels[..., 3] = alpha
    return image_copy(pixels)
