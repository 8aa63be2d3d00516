"""Drag a box around a thing: the segmenter finds its outline inside."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from sounddesk.app.canvas.tools.base import DASHED
from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.canvas_port import PickMode
from sounddesk.app.canvas.tools.canvas_port import ToolStatus
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.notifications import notifier
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.domain.mask_edits import Mode
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.protocol import Prompt


class BoxTool(Tool):
    """Makes an object, adds to the current one or takes away from it, as the mode says or the keys that are held."""

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._start: CanvasMouse | None = None
        self._end = (0.0, 0.0)
        # What each box that is awaited does.
        self._jobs: dict[int, PickMode] = {}
        canvas.segment.predicted.connect(self._on_predicted)
        canvas.segment.failed.connect(self._on_failed)

    def activate(self) -> None:
        """Boxes are drawn one object after the other; after a click the mode was to add."""
        self.set_pick("new")

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
        pick = self.pick_of(start)
        if pick == "add" and self.canvas.current_object() is None:
            pick = "new"
        if pick != "new" and self.blocked("subtract" if pick == "remove" else "add"):
            return
        self._jobs[self.canvas.segment.predict(Prompt(box=(left, top, right, bottom)))] = pick
        self.canvas.tell_status()

    def cancel(self) -> None:
        self._start = None
        self._jobs.clear()
        self.canvas.tell_status()
        self.canvas.update()

    def deactivate(self) -> None:
        """Another tool is taken: what is awaited still comes."""
        self._start = None

    def forget_image(self) -> None:
        waiting = len(self._jobs)
        self.cancel()
        if waiting:
            notifier.warning(self.tr("A box was dropped: another image was opened before it was answered."))

    def status(self) -> ToolStatus:
        return ToolStatus(text=self.text_of(self.canvas.options.pick), waiting=len(self._jobs))

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
        pick = self._jobs.pop(job, None)
        if pick is None:
            return
        self.canvas.tell_status()
        found = candidates[0].mask
        self.canvas.document.when_free(partial(self._apply, found, pick))

    def _apply(self, found: TiledMask, pick: PickMode) -> None:
        from sounddesk.domain.mask_edits import combine_whole

        document = self.canvas.document
        fresh = pick == "new" or self.canvas.current_object() is None
        if not fresh:
            # It may have been locked while the segmenter worked.
            if self.blocked():
                return
            mode: Mode = "add" if pick == "add" else "subtract"
            found = combine_whole(self.mask_or_empty(), found.to_array(), mode=mode)
        project, object_id, text = self.with_mask(document.project, found, fresh=fresh)
        document.commit(text, project)
        self.canvas.selection.select_objects([object_id])

    def _on_failed(self, job: int, error: Exception | None) -> None:
        if self._jobs.pop(job, None) is not None:
            self.canvas.tell_status()
            if error is not None:
                notifier.refused(error)


TOOLS.register(
    ToolEntry(
        name="box",
        title="&Box",
        key="R",
        order=2,
        factory=BoxTool,
        hint="Drag a box · Shift adds · Alt removes · Ctrl: new object",
    )
)
