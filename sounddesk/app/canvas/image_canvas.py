"""The image with its masks: zoom, pan, painting, and handing mouse and keys to the tool in use."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPalette
from PySide6.QtGui import QPen
from PySide6.QtGui import QResizeEvent
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.heat_map import HeatMap
from sounddesk.app.canvas.heat_map import draw_legend
from sounddesk.app.canvas.scene_picture import ScenePicture
from sounddesk.app.canvas.scene_picture import in_sight
from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import ToolOptions
from sounddesk.app.canvas.tools.tool_table import tools_in_order
from sounddesk.app.canvas.viewport import Viewport
from sounddesk.app.canvas.viewport import fitted
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.mask import Box
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.engine.types import RgbImage

FIRST_TOOL: Final = "click"
_REFRESH_S: Final = 0.008
_SHARPEN_MS: Final = 80


class ImageCanvas(QWidget):
    """Shows the document's image and masks.

    Signals:
        options_changed(): a tool changed `options`.
        tool_changed(name).
    """

    options_changed = Signal()
    tool_changed = Signal(str)

    def __init__(
        self, document: Document, selection: SelectionModel, segment: SegmentationWorker, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.document = document
        self.selection = selection
        self.segment = segment
        self.options = ToolOptions()
        self.hover_preview = True
        self.viewport = Viewport()
        self._scene = ScenePicture()
        self._image: RgbImage | None = None
        self._candidate: tuple[QImage, Box] | None = None
        self._suggestion: tuple[QImage, Box] | None = None
        self._heat: HeatMap | None = None
        self._busy = False
        self._pan_from: QPointF | None = None
        self._pressed = False
        self._cross: tuple[float, float] | None = None
        self._fit = True
        self._tools: dict[str, Tool] = {entry.name: entry.factory(self) for entry in tools_in_order()}
        self.tool: Tool = self._tools[FIRST_TOOL]
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._continue_masks)
        self._sharpen = QTimer(self)
        self._sharpen.setSingleShot(True)
        self._sharpen.setInterval(_SHARPEN_MS)
        self._sharpen.timeout.connect(self._paint_sharply)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Image with masks"))
        self.setAccessibleDescription(self.tr("Arrow keys move a cross-hair, Enter clicks there."))
        self.setMinimumSize(160, 120)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._follow_document)
        selection.objects_changed.connect(self._follow_document)
        self._follow_document()

    # ------------------------------------------------------------------ for tools and panels

    def current_object(self) -> SceneObject | None:
        object_id = self.selection.current_object_id
        return None if object_id is None else self.document.project.object(object_id)

    @property
    def owner(self) -> QObject:
        """The parent for a tool's timers and workers."""
        return self

    def is_in_hand(self, tool: object) -> bool:
        """Whether this tool is the one in use."""
        return self.tool is tool

    @property
    def tool_name(self) -> str:
        """Name of the tool in use."""
        return next(name for name, tool in self._tools.items() if tool is self.tool)

    def tell_options(self) -> None:
        """A tool has changed `options`."""
        self.options_changed.emit()
        self.update()

    def close_background(self) -> None:
        """End what tools do on other threads."""
        for tool in self._tools.values():
            tool.close()

    def inside(self, x: float, y: float) -> bool:
        """Whether an image position lies on the image."""
        info = self.document.project.image
        return info is not None and 0 <= x < info.width and 0 <= y < info.height

    def set_tool(self, name: str) -> None:
        """Use another tool. Raises: KeyError."""
        if self._tools[name] is not self.tool:
            self.tool.deactivate()
            self.show_candidate(None)
            self.tool = self._tools[name]
            self.tool.activate()
            self._set_cursor()
            self.tool_changed.emit(name)
            self.update()

    def set_busy(self, busy: bool) -> None:
        """Whether an answer of the segmenter is awaited."""
        self._busy = busy
        self._set_cursor()

    def show_candidate(self, mask: BoolMask | None) -> None:
        """Show what a click would select."""
        self._candidate = None if mask is None else _shade(mask, QColor(255, 255, 255, 110))
        self.update()

    def show_suggestion(self, mask: BoolMask | None) -> None:
        """Show an object that is proposed, until another one or None."""
        self._suggestion = None if mask is None else _shade(mask, QColor(255, 120, 220, 150))
        self.update()

    def set_heat_map(self, heat: HeatMap | None) -> None:
        """Draw patch weights over the image, with a legend; None takes them away."""
        self._heat = heat
        self._scene.set_heat_map(None if heat is None else heat.image())
        self.update()

    def fit(self) -> None:
        """The whole image in sight; stays so while the window changes its size."""
        info = self.document.project.image
        self._fit = True
        if info is not None:
            self.viewport = fitted(image=(info.width, info.height), widget=(self.width(), self.height()))
        self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a widget position, by default the middle."""
        point = at or QPointF(self.width() / 2, self.height() / 2)
        self._fit = False
        self.viewport = self.viewport.zoomed(factor, at_x=point.x(), at_y=point.y())
        self._scene.draft = True
        self._sharpen.start()
        self.update()

    def actual_size(self) -> None:
        """One image pixel on one device pixel."""
        self.zoom(1.0 / (self.viewport.scale * self.devicePixelRatioF()))

    # ------------------------------------------------------------------ following the document

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.image != new.image or old.objects is not new.objects:
            self._follow_document()

    def _follow_document(self) -> None:
        # The image first, whichever signal comes first: its masks do not fit on another one.
        if self.document.image is not self._image:
            self._load_image()
        self._scene.show_objects(self.document.project, self.selection.object_ids)
        self._continue_masks()

    def _load_image(self) -> None:
        self.tool.cancel()
        self._cross = None
        self.show_candidate(None)
        self.show_suggestion(None)
        self._heat = None
        self._image = self.document.image
        self._scene.set_image(self._image)
        self.fit()

    def _continue_masks(self) -> None:
        info = self.document.project.image
        sight = None if info is None else in_sight(self.viewport, image=(info.width, info.height), widget=self.size())
        changed = self._scene.refresh(budget_s=_REFRESH_S, in_sight=sight, viewport=self.viewport)
        if changed is not None:
            self.update(changed.toAlignedRect())
        if self._scene.masks_are_ready:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def _paint_sharply(self) -> None:
        self._scene.draft = False
        self.update()

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        self._scene.paint(
            painter,
            QRectF(event.rect()),
            size=self.size(),
            ratio=self.devicePixelRatioF(),
            viewport=self.viewport,
            ground=self.palette().color(QPalette.ColorRole.Mid),
        )
        if self._scene.is_empty:
            return
        painter.setClipRect(event.rect())
        for shade in (self._suggestion, self._candidate):
            if shade is not None:
                image, box = shade
                x, y = self.viewport.to_widget(box.left, box.top)
                scale = self.viewport.scale
                painter.drawImage(QRectF(x, y, box.width * scale, box.height * scale), image)
        if self._heat is not None:
            draw_legend(painter, self._heat, bottom=self.height())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.tool.paint(painter)
        if self._cross is not None:
            self._draw_cross(painter, *self.viewport.to_widget(*self._cross))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _draw_cross(self, painter: QPainter, x: float, y: float) -> None:
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.0)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x - 12, y), QPointF(x + 12, y))
            painter.drawLine(QPointF(x, y - 12), QPointF(x, y + 12))

    # ------------------------------------------------------------------ mouse and keys

    def _mouse(self, event: QMouseEvent) -> CanvasMouse:
        x, y = self.viewport.to_image(event.position().x(), event.position().y())
        return CanvasMouse(x=x, y=y, button=event.button(), modifiers=event.modifiers())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._cross = None
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = event.position()
            self._set_cursor()
        elif not self._scene.is_empty and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._pressed = True
            self.tool.press(self._mouse(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pan_from is not None:
            moved = event.position() - self._pan_from
            self._pan_from = event.position()
            self._fit = False
            self.viewport = self.viewport.moved(moved.x(), moved.y())
            self.update()
        elif not self._scene.is_empty:
            mouse = self._mouse(event)
            if self._pressed:
                self.tool.move(mouse)
            else:
                self.tool.hover(mouse.x, mouse.y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pan_from is not None:
            self._pan_from = None
            self._set_cursor()
        elif self._pressed:
            self._pressed = False
            self.tool.release(self._mouse(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if not self._scene.is_empty and event.button() == Qt.MouseButton.LeftButton:
            self.tool.double_click(self._mouse(event))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() == QEvent.Type.PaletteChange:
            self._scene.invalidate()
        super().changeEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self.tool.leave()
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        delta = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._fit = False
            self.viewport = self.viewport.moved((delta.x() or delta.y()) / 2, 0)
            self.update()
        elif delta.y():
            self.zoom(1.0015 ** delta.y(), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        # Tab goes through candidates before it leaves the widget.
        is_tab = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Tab
        if is_tab and self.tool.key(Qt.Key.Key_Tab, Qt.KeyboardModifier.NoModifier):
            return True
        if event.type() == QEvent.Type.NativeGesture:
            value = event.value()  # type: ignore[attr-defined]
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:  # type: ignore[attr-defined]
                self.zoom(1.0 + value, event.position())  # type: ignore[attr-defined]
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key, modifiers = event.key(), event.modifiers()
        arrows = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if self._scene.is_empty or self.tool.key(key, modifiers):
            return
        if key in arrows:
            dx, dy = arrows[Qt.Key(key)]
            self._move_cross(dx, dy, coarse=not modifiers & Qt.KeyboardModifier.ShiftModifier)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cross is not None:
            x, y = self._cross
            mouse = CanvasMouse(x=x, y=y, button=Qt.MouseButton.LeftButton, modifiers=modifiers)
            self.tool.press(mouse)
            self.tool.release(mouse)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom(0.8)
        else:
            super().keyPressEvent(event)

    def _move_cross(self, dx: int, dy: int, *, coarse: bool) -> None:
        info = self.document.project.image
        assert info is not None
        x, y = self._cross or (info.width / 2, info.height / 2)
        step = 10.0 / self.viewport.scale if coarse else 1.0
        self._cross = (
            min(max(x + dx * step, 0.0), info.width - 1.0),
            min(max(y + dy * step, 0.0), info.height - 1.0),
        )
        self.tool.hover(*self._cross)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self._fit:
            self.fit()

    def _set_cursor(self) -> None:
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._busy:
            self.setCursor(Qt.CursorShape.BusyCursor)
        else:
            self.setCursor(self.tool.make_cursor())


def _shade(mask: BoolMask, colour: QColor) -> tuple[QImage, Box] | None:
    """The pixels of a mask in one colour, and where they are; None for an empty mask."""
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = Box(left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1)
    part = np.ascontiguousarray(mask[box.top : box.bottom, box.left : box.right]).view(np.uint8)
    image = QImage(part.data, box.width, box.height, box.width, QImage.Format.Format_Indexed8)
    image.setColorTable([0, colour.rgba()])
    return image.copy(), box
