"""What a click would do, asked for while the mouse moves: one question at a time, always for where it is now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer

from sounddesk.app.canvas.tools.canvas_port import PickMode
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.selection import Scale
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.protocol import Prompt

# The mouse rests for a moment: what it crosses on its way is not asked about.
REST_MS: Final = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class HoverQuestion:
    """A click at (x, y) that is not made yet.

    Attributes:
        pick: what it would do.
        prompt: with it.
        before: the mask that it would change.
        scale: of several candidates, which one is shown.
    """

    x: float
    y: float
    pick: PickMode
    prompt: Prompt
    before: TiledMask | None
    scale: Scale | None = None


class HoverPreview(QObject):
    """Asks the segmenter for previews.

    While an answer is awaited no other question is asked; once it is there, the newest one is. So the preview is never
    more than one answer behind, however slow the segmenter is. An answer is shown where the click it is about would do
    the same at the place to which the mouse has moved since.
    """

    def __init__(
        self,
        segment: SegmentationWorker,
        show: Callable[[HoverQuestion, tuple[FoundMask, ...]], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._segment = segment
        self._show = show
        self._wanted: Callable[[], HoverQuestion | None] | None = None
        self._place = (0.0, 0.0)
        self._asked: HoverQuestion | None = None
        self._job: int | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._ask)
        segment.predicted.connect(self._on_predicted)
        segment.failed.connect(self._on_failed)

    def want(self, x: float, y: float, question: Callable[[], HoverQuestion | None]) -> None:
        """Preview a click at (x, y); the question is made when it is asked, and may be None by then."""
        self._wanted, self._place = question, (x, y)
        if self._job is None:
            self._timer.start()

    def stop(self) -> None:
        """Nothing is to be previewed; what is on its way is not shown."""
        self._timer.stop()
        self._wanted = self._asked = None

    def _ask(self) -> None:
        if self._wanted is None or self._job is not None:
            return
        self._asked, self._wanted = self._wanted(), None
        if self._asked is not None:
            self._job = self._segment.preview(self._asked.prompt, before=self._asked.before, scale=self._asked.scale)

    def _on_predicted(self, job: int, found: tuple[FoundMask, ...]) -> None:
        if job != self._job:
            return
        self._job = None
        question = self._asked
        if question is not None and self._still_holds(question, found[0]):
            self._show(question, found)
        self._ask()

    def _on_failed(self, job: int, _error: Exception | None) -> None:
        if job == self._job:
            self._job = None
            self._ask()

    def _still_holds(self, question: HoverQuestion, found: FoundMask) -> bool:
        x, y = self._place
        if (x, y) == (question.x, question.y):
            return True
        height, width = found.pixels.shape
        inside = 0 <= x < width and 0 <= y < height and bool(found.pixels[int(y), int(x)])
        return inside != (question.pick == "remove")
