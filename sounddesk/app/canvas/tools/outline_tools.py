"""Lasso and polygon: an outline drawn by hand, combined with the mask."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPolygonF

from sounddesk.app.canvas.tools.base import DASHED
from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.notifications import notifier
from sounddesk.domain.mask_edits import Mode
from sounddesk.domain.mask_edits import combine
from sounddesk.domain.mask_edits import polygon


class OutlineTool(Tool):
    """What lasso and polygon share: points, their picture, and what becomes of them."""

    paints = True

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._points: list[tuple[float, float]] = []
        self._mode: Mode = "add"

    def cancel(self) -> None:
        self._points = []
        self.canvas.update()

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        del modifiers
        if not self._points:
            return False
        if key == Qt.Key.Key_Escape:
            self.cancel()
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish()
            return True
        if key == Qt.Key.Key_Backspace:
            self._points.pop()
            self.canvas.update()
            return True
        return False

    def finish(self) -> None:
        """Close the outline and combine it with the mask, as one step."""
        points, self._points = self._points, []
        self.canvas.update()
        info = self.canvas.document.project.image
        if info is None:
            return
        found = polygon(points, width=info.width, height=info.height)
        if found is None:
            notifier.warning(self.tr("The outline holds no pixel: draw around the object."))
            return
        if self.blocked(self._mode):
            return
        box, inside = found
        mask = combine(self.mask_or_empty(), box, inside, mode=self._mode)
        project, object_id, text = self.with_mask(self.canvas.document.project, mask)
        self.canvas.document.commit(text, project)
        self.canvas.selection.select_objects([object_id])

    def paint(self, painter: QPainter) -> None:
        if not self._points:
            return
        line = QPolygonF([self.at(x, y) for x, y in self._points])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in DASHED:
            painter.setPen(pen)
            painter.drawPolyline(line)


class LassoTool(OutlineTool):
    """Draw around the object with the button held."""

    def press(self, event: CanvasMouse) -> None:
        self._mode = self.mode_of(event)
        self._points = [(event.x, event.y)]

    def move(self, event: CanvasMouse) -> None:
        if self._points:
            self._points.append((event.x, event.y))
            self.canvas.update()

    def release(self, event: CanvasMouse) -> None:
        del event
        if self._points:
            self.finish()


class PolygonTool(OutlineTool):
    """Click corner by corner; a double click, Enter or a click on the first corner closes it."""

    def press(self, event: CanvasMouse) -> None:
        if not self._points:
            self._mode = self.mode_of(event)
        elif len(self._points) > 2:
            first = self.at(*self._points[0])
            here = self.at(event.x, event.y)
            if (first - here).manhattanLength() < 8:
                self.finish()
                return
        self._points.append((event.x, event.y))
        self.canvas.update()

    def double_click(self, event: CanvasMouse) -> None:
        del event
        if len(self._points) > 2:
            self.finish()


TOOLS.register(
    ToolEntry(
        name="lasso",
        title="&Lasso",
        key="Q",
        order=5,
        factory=LassoTool,
        hint="Draw around · Shift adds · Alt subtracts · Both intersect",
        options=("mode",),
    )
)
TOOLS.register(
    ToolEntry(
        name="polygon",
        title="&Polygon",
        key="P",
        order=6,
        factory=PolygonTool,
        hint="Click corners; Enter or double click closes, Backspace removes one",
        options=("mode",),
    )
)
