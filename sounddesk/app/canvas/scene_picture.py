"""What lies under the tools on the canvas: the image, its masks or the heat map, at any zoom."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap

from sounddesk.app.canvas.overlay import MaskOverlay
from sounddesk.app.canvas.view_cache import ViewCache
from sounddesk.app.canvas.viewport import Viewport
from sounddesk.domain.mask import Box
from sounddesk.domain.project import Project
from sounddesk.engine.types import RgbImage

_QUICK_PIXELS = 3_000_000


class ScenePicture:
    """Paints the scene from reduced copies, through a cache of what is on the screen.

    Attributes:
        draft: paint the next frames from one small picture of everything, unsharp but fast, as while zooming.
    """

    def __init__(self) -> None:
        self.draft = False
        self._levels: list[QImage] = []
        self._overlay: MaskOverlay | None = None
        self._opacity = 1.0
        self._heat: QImage | None = None
        self._quick: QPixmap | None = None
        self._cache = ViewCache()

    @property
    def is_empty(self) -> bool:
        return not self._levels

    def set_image(self, pixels: RgbImage | None) -> None:
        """Show an image (sRGB uint8[H, W, 3]), without masks and heat map; None for none."""
        self._heat, self._overlay, self._levels = None, None, []
        if pixels is not None:
            height, width = pixels.shape[:2]
            first = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            self._levels = [first.convertToFormat(QImage.Format.Format_RGB32)]
            while min(self._levels[-1].width(), self._levels[-1].height()) > 256:
                last = self._levels[-1]
                smooth = Qt.TransformationMode.SmoothTransformation
                ratio = Qt.AspectRatioMode.IgnoreAspectRatio
                self._levels.append(last.scaled(max(1, last.width() // 2), max(1, last.height() // 2), ratio, smooth))
            self._overlay = MaskOverlay(width, height)
            self._overlay.set_opacity(self._opacity)
        self.invalidate()

    def small_picture(self, side: int) -> QImage:
        """The smallest copy of the image that is at least `side` pixels on its longer side; a null image for none."""
        large = [each for each in self._levels if max(each.width(), each.height()) >= side]
        return (large or self._levels or [QImage()])[-1 if large else 0]

    def set_heat_map(self, heat: QImage | None) -> None:
        """A picture of any resolution over the image in place of the masks; None for the masks."""
        self._heat = heat
        self.invalidate()

    def show_objects(self, project: Project, selected: Iterable[str], *, dims_rest: bool) -> None:
        """Take over the masks; `refresh` draws what differs. `dims_rest`: darken what is around the selected ones."""
        if self._overlay is not None:
            self._overlay.show(project, selected, dims_rest=dims_rest)

    def set_mask_opacity(self, opacity: float) -> None:
        """How much masks cover, from 0 for their outlines alone to 1; also those of images to come."""
        self._opacity = opacity
        if self._overlay is not None:
            self._overlay.set_opacity(opacity)

    @property
    def masks_are_ready(self) -> bool:
        return self._overlay is None or self._overlay.is_clean

    def refresh(self, *, budget_s: float, in_sight: Box | None, viewport: Viewport) -> QRectF | None:
        """Draw changed masks for at most about `budget_s`; the part of the widget that must be painted again."""
        if self._overlay is None:
            return None
        changed = QRectF()
        for box in self._overlay.refresh(budget_s=budget_s, in_sight=in_sight):
            left, top = viewport.to_widget(box.left, box.top)
            # A reduced overlay spreads its border pixels over the neighbouring tiles.
            margin = 2**MaskOverlay.LEVELS * viewport.scale + 1
            rect = QRectF(left, top, box.width * viewport.scale, box.height * viewport.scale)
            rect.adjust(-margin, -margin, margin, margin)
            self._cache.invalidate(rect)
            changed = changed.united(rect)
        if changed.isNull():
            return None
        self._quick = None
        return changed

    def invalidate(self) -> None:
        """Paint all of it anew, for instance after another ground colour."""
        self._quick = None
        self._cache.invalidate()

    def paint(
        self, painter: QPainter, part: QRectF, *, size: QSize, ratio: float, viewport: Viewport, ground: QColor
    ) -> None:
        """Paint `part` (logical pixels) of a widget of `size` with `ratio` device pixels per logical one."""
        if self.is_empty:
            painter.fillRect(part, ground)
        elif self.draft:
            painter.fillRect(part, ground)
            self._paint_draft(painter, viewport)
        else:
            picture = self._cache.picture(
                size=size,
                ratio=ratio,
                viewport=viewport,
                draw=lambda onto: self._draw(onto, size=size, ratio=ratio, viewport=viewport, ground=ground),
            )
            source = QRectF(part.x() * ratio, part.y() * ratio, part.width() * ratio, part.height() * ratio)
            painter.drawPixmap(part, picture, source)

    def _paint_draft(self, painter: QPainter, viewport: Viewport) -> None:
        if self._quick is None:
            level = 0
            while level + 1 < len(self._levels) and _area(self._levels[level]) > _QUICK_PIXELS:
                level += 1
            self._quick = QPixmap.fromImage(self._levels[level])
            with QPainter(self._quick) as composing:
                over = self._over(0.5**level)
                if over is not None:
                    composing.drawImage(QRectF(self._quick.rect()), over)
        width, height = self._levels[0].width(), self._levels[0].height()
        target = QRectF(viewport.left, viewport.top, width * viewport.scale, height * viewport.scale)
        painter.drawPixmap(target, self._quick, QRectF(self._quick.rect()))

    def _draw(self, painter: QPainter, *, size: QSize, ratio: float, viewport: Viewport, ground: QColor) -> None:
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), ground)
        sight = in_sight(viewport, image=(self._levels[0].width(), self._levels[0].height()), widget=size)
        if sight is None:
            return
        left, top = viewport.to_widget(sight.left, sight.top)
        target = QRectF(left, top, sight.width * viewport.scale, sight.height * viewport.scale)
        device_scale = viewport.scale * ratio
        level = 0
        while level + 1 < len(self._levels) and device_scale * 2 ** (level + 1) <= 1.0:
            level += 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, device_scale < 2.0)
        self._draw_part(painter, self._levels[level], target, sight)
        over = self._over(device_scale)
        if over is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, over is self._heat)
            self._draw_part(painter, over, target, sight)

    def _over(self, device_scale: float) -> QImage | None:
        if self._heat is not None:
            return self._heat
        return None if self._overlay is None else self._overlay.level_for(device_scale)

    def _draw_part(self, painter: QPainter, image: QImage, target: QRectF, sight: Box) -> None:
        """The part in sight of a picture that covers the whole image at another resolution."""
        fx, fy = image.width() / self._levels[0].width(), image.height() / self._levels[0].height()
        painter.drawImage(target, image, QRectF(sight.left * fx, sight.top * fy, sight.width * fx, sight.height * fy))


def in_sight(viewport: Viewport, *, image: tuple[int, int], widget: QSize) -> Box | None:
    """The pixels of an image of (width, height) that a widget shows; None where it shows none."""
    left, top = viewport.to_image(0, 0)
    right, bottom = viewport.to_image(widget.width(), widget.height())
    left, top = max(0, math.floor(left)), max(0, math.floor(top))
    right, bottom = min(image[0], math.ceil(right)), min(image[1], math.ceil(bottom))
    return Box(left=left, top=top, right=right, bottom=bottom) if left < right and top < bottom else None


def _area(image: QImage) -> int:
    return image.width() * image.height()
