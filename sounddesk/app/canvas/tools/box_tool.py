"""Drag a box around a thing: the segmenter finds its outline inside."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from sounddesk.app.canvas.tools.base import DASHED
from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.notifications import notifier
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.protocol import Prompt


class BoxTool(Tool):
    """With Shift the found mask joins the current object, with Alt it is taken away; else it is a new object."""

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._start: CanvasMouse | None = None
        self._end = (0.0, 0.0)
        self._job: int | None = None
        self._mode = "new"
        canvas.segment.predicted.connect(self._on_predicted)
        canvas.segment.failed.connect(self._on_failed)

    def press(self, event: CanvasMouse) -> None:
        self._start, self._end = event, (event.x, event.y)

    def move(self, event: CanvasMouse) -> None:
        if self._start is not None:
            self._end = (event.x, event.y)
            self.canvas.update()

    def release(self, event: CanvasMouse) -> None:
        start, self._start = self._start, None
        self.canvas.update()
        info = self.canvas.document.project.image
        if start is None or info is None:
            return
        left, right = sorted((min(max(start.x, 0.0), info.width), min(max(event.x, 0.0), info.width)))
        top, bottom = sorted((min(max(start.y, 0.0), info.height), min(max(event.y, 0.0), info.height)))
        if right - left < 2 or bottom - top < 2:
            notifier.warning(self.tr("Drag a box around the object."))
            return
        self._mode = "add" if start.adding else "subtract" if start.negative else "new"
        if self._mode != "new" and (self.blocked() or self.canvas.current_object() is None):
            return
        self.canvas.set_busy(True)
        self._job = self.canvas.segment.predict(Prompt(box=(left, top, right, bottom)))

    def cancel(self) -> None:
        self._start = None
        if self._job is not None:
            self._job = None
            self.canvas.set_busy(False)
        self.canvas.update()

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        del modifiers
        if key == Qt.Key.Key_Escape and self._start is not None:
            self.cancel()
            return True
        return False

    def paint(self, painter: QPainter) -> None:
        if self._start is None:
            return
        rect = QRectF(self.at(self._start.x, self._start.y), self.at(*self._end)).normalized()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in DASHED:
            painter.setPen(pen)
            painter.drawRect(rect)

    def _on_predicted(self, job: int, candidates: tuple[FoundMask, ...]) -> None:
        if job != self._job:
            return
        self._job = None
        self.canvas.set_busy(False)
        found = candidates[0].mask
        assert found is not None
        self.canvas.document.when_free(lambda: self._apply(found))

    def _apply(self, found: TiledMask) -> None:
        from sounddesk.domain.mask_edits import combine_whole

        document = self.canvas.document
        fresh = self._mode == "new" or self.canvas.current_object() is None
        if not fresh:
            mode = "add" if self._mode == "add" else "subtract"
            found = combine_whole(self.mask_or_empty(), found.to_array(), mode=mode)  # type: ignore[arg-type]
        project, object_id, text = self.with_mask(document.project, found, fresh=fresh)
        document.commit(text, project)
        self.canvas.selection.select_objects([object_id])

    def _on_failed(self, job: int, text: str) -> None:
        if job == self._job:
            self._job = None
            self.canvas.set_busy(False)
            if text:
                notifier.warning(text)


TOOLS.register(
    ToolEntry(
        name="box",
        title="&Box",
        key="R",
        order=2,
        factory=BoxTool,
        hint="Drag a box. Shift: add to the object. Alt: take away",
    )
)
