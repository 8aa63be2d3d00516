"""Selecting by colour: 'magic select' makes the region the shape; 'fill' closes what the mask encloses."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt

from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.notifications import notifier
from sounddesk.app.workers.background import Background
from sounddesk.domain.mask_edits import Mode
from sounddesk.domain.mask_edits import combine_whole


class _ColourTool(Tool):
    """A click looks for a region off the UI thread; it is taken over when it is found and no gesture is under way."""

    paints = True

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._background = Background(canvas.owner, name="the selection by colour")
        self._background.done.connect(lambda _key, found: canvas.document.when_free(lambda: self._apply(found)))
        self._background.failed.connect(lambda _key, error: notifier.failed(error))
        self._mode: Mode = "add"

    def close(self) -> None:
        self._background.close()

    def _apply(self, found: np.ndarray) -> None:
        """Change the mask by the region `found`, bool[H, W]."""
        raise NotImplementedError


class MagicTool(_ColourTool):
    """A click takes all pixels of a like colour, computed off the UI thread."""

    def press(self, event: CanvasMouse) -> None:
        image = self.canvas.document.image
        self._mode = self.mode_of(event)
        if image is None or not self.canvas.inside(event.x, event.y) or self.blocked(self._mode):
            return
        from sounddesk.engine.images.mask_filters import select_by_colour

        options = self.canvas.options
        tolerance, contiguous, x, y = options.tolerance, options.contiguous, int(event.x), int(event.y)
        self._background.start(
            "magic", lambda: select_by_colour(image, x=x, y=y, tolerance=tolerance, contiguous=contiguous)
        )

    def _apply(self, found: np.ndarray) -> None:
        document = self.canvas.document
        info = document.project.image
        if info is None or found.shape != (info.height, info.width) or self.blocked(self._mode):
            return
        mask = combine_whole(self.mask_or_empty(), found, mode=self._mode)
        project, object_id, text = self.with_mask(document.project, mask)
        document.commit(text, project)
        self.canvas.selection.select_objects([object_id])


class FillTool(_ColourTool):
    """A click inside a painted outline fills it; with Alt or the right button a click on the mask empties that part."""

    cursor = Qt.CursorShape.PointingHandCursor

    def press(self, event: CanvasMouse) -> None:
        if self.editable() is None:
            if self.canvas.current_object() is None:
                notifier.warning(self.tr("Fill works on the mask of an object: select or paint one first."))
            return
        if not self.canvas.inside(event.x, event.y):
            return
        from sounddesk.engine.images.mask_filters import select_by_colour

        mask = self.mask_or_empty()
        x, y = int(event.x), int(event.y)
        self._mode = "subtract" if event.negative else "add"
        self._background.start(
            "fill",
            lambda: select_by_colour(np.repeat(mask.to_array()[..., None], 3, axis=2), x=x, y=y, tolerance=127),
        )

    def _apply(self, found: np.ndarray) -> None:
        document, current = self.canvas.document, self.editable()
        if current is None or found.shape != (current.mask.height, current.mask.width):
            return
        mask = combine_whole(current.mask, found, mode=self._mode)
        text = self.tr("Fill {name}").format(name=current.name)
        document.commit(text, document.project.with_changed_object(current.id, mask=mask))


TOOLS.register(
    ToolEntry(
        name="fill",
        title="&Fill",
        key="G",
        order=7,
        factory=FillTool,
        hint="Click inside an outline to fill it, Alt-click to empty",
    )
)
TOOLS.register(
    ToolEntry(
        name="magic",
        title="&Magic select",
        key="W",
        order=8,
        factory=MagicTool,
        hint="Click a colour · Shift adds · Alt subtracts · Both intersect",
        options=("mode", "tolerance", "contiguous"),
    )
)
