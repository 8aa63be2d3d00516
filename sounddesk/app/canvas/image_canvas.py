"""The image with its masks: zoom, pan, painting, and handing mouse and keys to the tool in use."""

from __future__ import annotations

from typing import Final

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
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.change_picture import ChangePicture
from sounddesk.app.canvas.change_picture import picture_of
from sounddesk.app.canvas.cross_hair import CrossHair
from sounddesk.app.canvas.heat_map import HeatMap
from sounddesk.app.canvas.heat_map import draw_legend
from sounddesk.app.canvas.scene_picture import ScenePicture
from sounddesk.app.canvas.scene_picture import in_sight
from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import ToolOptions
from sounddesk.app.canvas.tools.tool_table import tools_in_order
from sounddesk.app.canvas.zoomable import ZoomableWidget
from sounddesk.app.look.theme import PICK_COLOURS
from sounddesk.app.look.theme import SUGGESTION_COLOUR
from sounddesk.app.look.theme import colour
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.mask_change import MaskChange
from sounddesk.app.workers.mask_change import mask_change
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.engine.types import RgbImage

FIRST_TOOL: Final = "click"
_REFRESH_S: Final = 0.008
_SHARPEN_MS: Final = 80


class ImageCanvas(ZoomableWidget):
    """Shows the document's image and masks.

    Signals:
        options_changed(): a tool changed `options`.
        tool_changed(name).
        status_changed(): what the tool in use says of itself (`Tool.status`) is something else.
    """

    options_changed = Signal()
    status_changed = Signal()
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
        self._scene = ScenePicture()
        self._image: RgbImage | None = None
        self._change: ChangePicture | None = None
        self._suggestion: ChangePicture | None = None
        self._heat: HeatMap | None = None
        self._pan_from: QPointF | None = None
        self._pressed = False
        self._cross = CrossHair()
        self._hovering: CanvasMouse | None = None
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
        """A tool or the panel has changed `options`."""
        self._scene.set_mask_opacity(self.options.mask_opacity)
        self._continue_masks()
        self.options_changed.emit()
        self.show_cursor()
        self.update()

    def close_background(self) -> None:
        """End what tools do on other threads."""
        for tool in self._tools.values():
            tool.close()

    def inside(self, x: float, y: float) -> bool:
        """Whether an image position lies on the image."""
        size = self.image_size()
        return size is not None and 0 <= x < size[0] and 0 <= y < size[1]

    def set_tool(self, name: str) -> None:
        """Use another tool. Raises: KeyError."""
        if self._tools[name] is not self.tool:
            self.tool.deactivate()
            self.show_change(None)
            self.tool = self._tools[name]
            self.tool.activate()
            self.show_cursor()
            self.tool_changed.emit(name)
            self.tell_status()
            self._follow_document()
            self.update()

    def show_change(self, change: MaskChange | None, *, colour: QColor | None = None) -> None:
        """Show what a click would change; `colour` of what comes in, by default that of an addition."""
        picture = picture_of(change, gained=colour or PICK_COLOURS["add"])
        if picture is not None or self._change is not None:
            self._change = picture
            self.update()

    def show_suggestion(self, mask: BoolMask | None) -> None:
        """Show an object that is proposed, until another one or None."""
        change = None if mask is None else mask_change(None, mask)
        self._suggestion = picture_of(change, gained=SUGGESTION_COLOUR)
        self.update()

    def tell_status(self) -> None:
        """The tool's `status` is another one now."""
        self.status_changed.emit()

    def set_heat_map(self, heat: HeatMap | None) -> None:
        """Draw patch weights over the image, with a legend; None takes them away."""
        self._heat = heat
        self._scene.set_heat_map(None if heat is None else heat.image())
        self.update()

    def image_size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None without an image."""
        info = self.document.project.image
        return None if info is None else (info.width, info.height)

    def zooming(self) -> None:
        """Paint quickly, and sharply a moment after the last step."""
        self._scene.draft = True
        self._sharpen.start()

    def small_picture(self, side: int) -> QImage:
        """The image without masks, hardly larger than `side` pixels."""
        return self._scene.small_picture(side)

    # ------------------------------------------------------------------ following the document

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.image != new.image or old.objects is not new.objects:
            self._follow_document()
        if [each.name for each in old.objects] != [each.name for each in new.objects]:
            # The status names the object that a click would change.
            self.tell_status()

    def _follow_document(self) -> None:
        # The image first, whichever signal comes first: its masks do not fit on another one.
        if self.document.image is not self._image:
            self._load_image()
        self._scene.show_objects(self.document.project, self.selection.object_ids, dims_rest=self.tool.paints)
        # In a turn of the event loop of its own: a click changes the document and then the selection, and each tells
        # the whole window, which together with the masks twice stood still for 60 ms.
        if not self._scene.masks_are_ready:
            self._timer.start()

    def _load_image(self) -> None:
        for tool in self._tools.values():
            tool.forget_image()
        self._cross.place = None
        self.show_change(None)
        self.show_suggestion(None)
        self._heat = None
        self._image = self.document.image
        self._scene.set_image(self._image)
        self.fit()

    def _continue_masks(self) -> None:
        size = self.image_size()
        sight = None if size is None else in_sight(self.viewport, image=size, widget=self.size())
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
        with QPainter(self) as painter:
            self._scene.paint(
                painter,
                QRectF(event.rect()),
                size=self.size(),
                ratio=self.devicePixelRatioF(),
                viewport=self.viewport,
                ground=colour("canvas"),
            )
            if self._scene.is_empty:
                return
            painter.setClipRect(event.rect())
            for picture in (self._suggestion, self._change):
                if picture is not None:
                    picture.paint(painter, self.viewport)
            if self._heat is not None:
                draw_legend(painter, self._heat, bottom=self.height())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self.tool.paint(painter)
            self._cross.paint(painter, self.viewport)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1))
                painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    # ------------------------------------------------------------------ mouse and keys

    def _mouse(self, event: QMouseEvent) -> CanvasMouse:
        x, y = self.viewport.to_image(event.position().x(), event.position().y())
        return CanvasMouse(x=x, y=y, button=event.button(), modifiers=event.modifiers())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._cross.place = None
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = event.position()
            self.show_cursor()
        elif not self._scene.is_empty and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._pressed = True
            self.tool.press(self._mouse(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pan_from is not None:
            moved = event.position() - self._pan_from
            self._pan_from = event.position()
            self.move_view(moved.x(), moved.y())
        elif not self._scene.is_empty:
            mouse = self._mouse(event)
            if self._pressed:
                self.tool.move(mouse)
            else:
                self._hovering = mouse
                self.tool.hover(mouse)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pan_from is not None:
            self._pan_from = None
            self.show_cursor()
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
        self._hovering = None
        self.tool.leave()
        super().leaveEvent(event)

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
        self._hover_with(event)
        size = self.image_size()
        if size is None or self._scene.is_empty or self.tool.key(key, modifiers):
            return
        fine = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if self._cross.move(key, fine=fine, size=size, viewport=self.viewport):
            self._hovering = self._at_cross(Qt.MouseButton.NoButton, modifiers & ~Qt.KeyboardModifier.ShiftModifier)
            self.tool.hover(self._hovering)
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cross.place is not None:
            mouse = self._at_cross(Qt.MouseButton.LeftButton, modifiers)
            self.tool.press(mouse)
            self.tool.release(mouse)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom(0.8)
        else:
            super().keyPressEvent(event)

    def _at_cross(self, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> CanvasMouse:
        assert self._cross.place is not None
        x, y = self._cross.place
        return CanvasMouse(x=x, y=y, button=button, modifiers=modifiers)

    def _hover_with(self, event: QKeyEvent) -> None:
        """What a click would do with the keys that are held now."""
        held = event.type() == QEvent.Type.KeyPress
        mouse = None if self._hovering is None else self._hovering.with_key(event.key(), held=held)
        if mouse is not None:
            self._hovering = mouse
            self.tool.hover(mouse)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        self._hover_with(event)
        super().keyReleaseEvent(event)

    def show_cursor(self) -> None:
        """Show the cursor of what the mouse does now."""
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self.setCursor(self.tool.make_cursor())
