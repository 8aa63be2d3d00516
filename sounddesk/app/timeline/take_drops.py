"""Takes that are dragged from their list onto the timeline."""

from __future__ import annotations

import dataclasses

from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import QRectF
from PySide6.QtGui import QDragMoveEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.takes.take_list import TAKE_MIME
from sounddesk.app.timeline.timeline_drags import DragTools
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.take import Take
from sounddesk.domain.timeline import Clip


class TakeDrops(QObject):
    """Watches a widget for takes; one that is dropped becomes a clip on the lane of its object, where it was let go.

    Attributes:
        rect: where the clip would be, in widget pixels; None while nothing is dragged over the widget.
    """

    def __init__(self, tools: DragTools, panel: QWidget) -> None:
        super().__init__(panel)
        self._tools = tools
        self._panel = panel
        self.rect: QRectF | None = None
        panel.setAcceptDrops(True)
        panel.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        kind = event.type()
        if kind == QEvent.Type.DragLeave:
            self._show(None)
        elif isinstance(event, QDropEvent):
            # Also the events of entering and moving.
            clip = self._clip_for(event)
            if clip is None:
                return super().eventFilter(watched, event)
            if isinstance(event, QDragMoveEvent):
                self._show(self._tools.view().clip_rect(self._document.project, clip))
            else:
                self._show(None)
                self._place(clip)
            event.acceptProposedAction()
            return True
        return super().eventFilter(watched, event)

    @property
    def _document(self) -> Document:
        return self._tools.document

    @property
    def _selection(self) -> SelectionModel:
        return self._tools.selection

    def _clip_for(self, event: QDropEvent) -> Clip | None:
        """The clip that a drop here would make; None where something else is dragged."""
        if not event.mimeData().hasFormat(TAKE_MIME):
            return None
        found: Take | None = self._document.takes.get(bytes(event.mimeData().data(TAKE_MIME).data()).decode())
        if found is None or all(each.id != found.object_id for each in self._document.project.objects):
            return None
        view = self._tools.view()
        start_s = self._tools.snapper.snap_start(
            view.time_at(event.position().x()), found.seconds, scale=view.scale, free=False, without=()
        )
        return Clip(id="", object_id=found.object_id, take_id=found.id, start_s=start_s, duration_s=found.seconds)

    def _place(self, clip: Clip) -> None:
        project, clip_id = self._document.project.with_new_id("c")
        project = project.with_clip(dataclasses.replace(clip, id=clip_id))
        self._document.commit(self.tr("Place take"), with_room_for_clips(project))
        self._selection.select_clips([clip_id])

    def _show(self, rect: QRectF | None) -> None:
        self.rect = rect
        self._panel.update()
