"""Click on a thing: the segmenter finds its outline. More clicks refine it; a candidate shows before the click."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtGui import QPainter

from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.notifications import notifier
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.domain.mask import BoolMask
from sounddesk.engine.segmenters.protocol import Prompt

HOVER_MS: Final = 120


class ClickTool(Tool):
    """Left button: this belongs to it. Right button or Alt: this does not. A plain click elsewhere starts a new object.

    Clicks on the same object gather as long as the tool works on it; Enter ends the object, so that the next click
    begins another one. Tab goes through the candidates of an ambiguous click.
    """

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._points: list[tuple[float, float]] = []
        self._labels: list[bool] = []
        self._object_id: str | None = None
        self._hint: BoolMask | None = None
        self._job: int | None = None
        self._hover_job: int | None = None
        self._candidates: tuple[FoundMask, ...] = ()
        self._index = 0
        self._pending_hover: tuple[float, float] | None = None
        self._timer = QTimer(canvas.owner)
        self._timer.setSingleShot(True)
        self._timer.setInterval(HOVER_MS)
        self._timer.timeout.connect(self._ask_hover)
        canvas.segment.predicted.connect(self._on_predicted)
        canvas.segment.failed.connect(self._on_failed)

    def press(self, event: CanvasMouse) -> None:
        if not self.canvas.inside(event.x, event.y):
            return
        current = self.canvas.current_object()
        going_on = self._object_id is not None and current is not None and current.id == self._object_id
        if event.negative and not going_on:
            if current is None:
                notifier.warning(self.tr("Click on the object first, then on what does not belong to it."))
                return
            self._begin(current.id)
        elif not event.negative and not event.adding and not (going_on and self._near(event.x, event.y)):
            self._begin(None)
        elif not going_on:
            self._begin(None if current is None else current.id)
        if self._object_id is not None and self.blocked():
            return
        self._points.append((event.x, event.y))
        self._labels.append(not event.negative)
        self._ask()

    def hover(self, x: float, y: float) -> None:
        self._pending_hover = (x, y) if self.canvas.inside(x, y) else None
        if self._pending_hover is None:
            self.canvas.show_candidate(None)
        elif not self._timer.isActive():
            self._timer.start()

    def leave(self) -> None:
        self._pending_hover = None
        self.canvas.show_candidate(None)

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        del modifiers
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._points:
            self._begin(None)
            self.canvas.selection.select_objects(())
            return True
        if key == Qt.Key.Key_Tab and len(self._candidates) > 1:
            self._index = (self._index + 1) % len(self._candidates)
            self._apply()
            return True
        if key == Qt.Key.Key_Escape and (self._points or self._job is not None):
            self.cancel()
            return True
        return False

    def cancel(self) -> None:
        self._begin(None)
        if self._job is not None:
            self._job = None
            self.canvas.set_busy(False)
        self.canvas.show_candidate(None)

    def paint(self, painter: QPainter) -> None:
        if self._object_id is None or self.canvas.selection.current_object_id != self._object_id:
            return
        for (x, y), positive in zip(self._points, self._labels, strict=True):
            painter.setPen(QColor("white"))
            painter.setBrush(QColor("#1b9e3e" if positive else "#d62728"))
            painter.drawEllipse(self.at(x, y), 4.5, 4.5)

    def _begin(self, object_id: str | None) -> None:
        self._points, self._labels, self._object_id = [], [], object_id
        self._candidates, self._index = (), 0
        # An object that has a mask already is corrected by the clicks, not replaced.
        self._hint = None
        if object_id is not None:
            mask = self.canvas.document.project.object(object_id).mask
            self._hint = None if mask.is_empty else mask.to_bool()
        self.canvas.update()

    def _near(self, x: float, y: float) -> bool:
        """Whether the point lies on the object in hand or close to it; farther off the user means another thing."""
        current = self.canvas.current_object()
        box = None if current is None else current.mask.bounding_box
        if box is None:
            return False
        margin = 0.15 * max(box.width, box.height)
        return box.left - margin <= x <= box.right + margin and box.top - margin <= y <= box.bottom + margin

    def _prompt(self) -> Prompt:
        return Prompt(points=tuple(self._points), labels=tuple(self._labels), mask_hint=self._hint)

    def _ask(self) -> None:
        self.canvas.set_busy(True)
        self._job = self.canvas.segment.predict(self._prompt())

    def _ask_hover(self) -> None:
        if self._pending_hover is None or self._job is not None or not self.canvas.hover_preview:
            return
        self._hover_job = self.canvas.segment.predict(Prompt.click(*self._pending_hover), preview=True)

    def _on_predicted(self, job: int, candidates: tuple[FoundMask, ...]) -> None:
        if job == self._job:
            self._job = None
            self.canvas.set_busy(False)
            self._candidates, self._index = candidates, 0
            self._apply()
        elif job == self._hover_job and self._pending_hover is not None and self.canvas.is_in_hand(self):
            self.canvas.show_candidate(candidates[0].pixels)

    def _on_failed(self, job: int, text: str) -> None:
        if job == self._job:
            self._job = None
            self.canvas.set_busy(False)
            if self._points:
                self._points.pop()
                self._labels.pop()
            if text:
                notifier.warning(text)

    def _apply(self) -> None:
        """Put the chosen candidate into the object, as one step."""
        document = self.canvas.document
        mask = self._candidates[self._index].mask
        assert mask is not None

        def apply() -> None:
            project = document.project
            known = {each.id for each in project.objects}
            if self._object_id in known:
                assert self._object_id is not None
                name = project.object(self._object_id).name
                changed = project.with_changed_object(self._object_id, mask=mask)
                document.commit(self.tr("Refine {name}").format(name=name), changed)
            else:
                changed, self._object_id, text = self.with_mask(project, mask, fresh=True)
                document.commit(text, changed)
            self.canvas.show_candidate(None)
            self.canvas.selection.select_objects([self._object_id])

        document.when_free(apply)


TOOLS.register(
    ToolEntry(
        name="click",
        title="&Click",
        key="V",
        order=1,
        factory=ClickTool,
        hint="Click: select. Alt or right button: not this. Tab: other outlines. Enter: next object",
    )
)
