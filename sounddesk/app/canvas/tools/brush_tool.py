"""Brush and eraser: one drag is one step."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen

from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.notifications import notifier
from sounddesk.domain.mask_edits import stroke
from sounddesk.domain.tiled_mask import TiledMask


class BrushTool(Tool):
    """Paints the current object, or a new one where none is selected. Alt or the right button erases."""

    erases = False
    cursor = Qt.CursorShape.BlankCursor
    paints = True

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._last: tuple[float, float] | None = None
        self._object_id: str | None = None
        self._erasing = False
        self._pointer: tuple[float, float] | None = None

    def press(self, event: CanvasMouse) -> None:
        current = self.editable()
        if current is None and self.canvas.current_object() is not None:
            return
        self._erasing = self.erases != event.negative
        if current is None and self._erasing:
            notifier.warning(self.tr("There is nothing to erase: select an object first."))
            return
        document = self.canvas.document
        painted = self._painted([(event.x, event.y)])
        project, self._object_id, text = self.with_mask(document.project, painted)
        if current is not None:
            verb = self.tr("Erase from {name}") if self._erasing else self.tr("Paint {name}")
            text = verb.format(name=current.name)
        document.begin(text)
        document.preview(project)
        self._last = (event.x, event.y)

    def move(self, event: CanvasMouse) -> None:
        self._point_at((event.x, event.y))
        if self._last is None or self._object_id is None:
            return
        document = self.canvas.document
        if not document.in_gesture:
            # Undo in the middle of a drag has ended it.
            self._last = None
            return
        mask = document.project.object(self._object_id).mask
        options = self.canvas.options
        mask = stroke(
            mask,
            [self._last, (event.x, event.y)],
            diameter=options.diameter,
            hardness=options.hardness,
            erase=self._erasing,
        )
        document.preview(document.project.with_changed_object(self._object_id, mask=mask))
        self._last = (event.x, event.y)

    def release(self, event: CanvasMouse) -> None:
        del event
        if self._last is None:
            return
        self._last = None
        self.canvas.document.end()
        if self._object_id is not None:
            self.canvas.selection.select_objects([self._object_id])

    def hover(self, event: CanvasMouse) -> None:
        self._point_at((event.x, event.y))

    def leave(self) -> None:
        self._point_at(None)

    def cancel(self) -> None:
        if self._last is not None:
            self._last = None
            self.canvas.document.abort()

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        step = {
            Qt.Key.Key_BracketLeft: -1,
            Qt.Key.Key_BracketRight: 1,
            Qt.Key.Key_BraceLeft: -1,
            Qt.Key.Key_BraceRight: 1,
        }
        if key not in step:
            return False
        options = self.canvas.options
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            options.hardness = min(1.0, max(0.0, options.hardness + 0.1 * step[Qt.Key(key)]))
        else:
            options.diameter = min(2000.0, max(1.0, options.diameter * 1.15 ** step[Qt.Key(key)]))
        self.canvas.tell_options()
        return True

    def paint(self, painter: QPainter) -> None:
        if self._pointer is None:
            return
        radius = self.canvas.options.diameter / 2 * self.canvas.viewport.scale
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.0)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(self.at(*self._pointer), radius, radius)

    def _point_at(self, pointer: tuple[float, float] | None) -> None:
        """Move the brush's outline; only where it was and where it goes is painted again."""
        reach = self.canvas.options.diameter / 2 * self.canvas.viewport.scale + 3
        for place in (self._pointer, pointer):
            if place is not None:
                middle = self.at(*place)
                rect = QRectF(middle.x() - reach, middle.y() - reach, 2 * reach, 2 * reach)
                self.canvas.update(rect.toAlignedRect())
        self._pointer = pointer

    def _painted(self, points: list[tuple[float, float]]) -> TiledMask:
        options = self.canvas.options
        return stroke(
            self.mask_or_empty(), points, diameter=options.diameter, hardness=options.hardness, erase=self._erasing
        )


class EraserTool(BrushTool):
    """The brush the other way round: Alt or the right button paints."""

    erases = True


TOOLS.register(
    ToolEntry(
        name="brush",
        title="B&rush",
        key="B",
        order=3,
        factory=BrushTool,
        hint="Alt erases. [ and ] change the size, with Shift the hardness",
        options=("diameter", "hardness"),
    )
)
TOOLS.register(
    ToolEntry(
        name="eraser",
        title="&Eraser",
        key="E",
        order=4,
        factory=EraserTool,
        hint="Alt paints. [ and ] change the size, with Shift the hardness",
        options=("diameter", "hardness"),
    )
)
