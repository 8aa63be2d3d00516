"""What is dragged onto the timeline: takes from their list, and sound files from other programs."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import QRectF
from PySide6.QtGui import QDragMoveEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.takes.sound_import import take_from_file
from sounddesk.app.takes.take_list import TAKE_MIME
from sounddesk.app.timeline.timeline_drags import DragTools
from sounddesk.app.workers.background import Background
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.errors import SounddeskError
from sounddesk.domain.project import Project
from sounddesk.domain.sound_suffixes import SOUND_SUFFIXES
from sounddesk.domain.take import Take
from sounddesk.domain.timeline import Clip


@dataclasses.dataclass(frozen=True, eq=False)
class _Drop:
    """Sound files that were let go together; none of them makes another drop needless."""

    start_s: float


class TakeDrops(QObject):
    """Watches a widget. A take that is dropped becomes a clip on the lane of its object, where it was let go; a sound
    file becomes a take of the object whose lane it is dropped on, and a clip there.

    Attributes:
        rect: where the clip would be, in widget pixels; None while nothing is dragged over the widget.
    """

    def __init__(
        self, tools: DragTools, panel: QWidget, *, room_for: Callable[[Sequence[Clip], float], Project]
    ) -> None:
        """`room_for`: (clips, time of the first one) -> the project to put them into."""
        super().__init__(panel)
        self._room_for = room_for
        self._tools = tools
        self._panel = panel
        self.rect: QRectF | None = None
        self._reading = Background(self, name="reading the sounds")
        self._reading.done.connect(self._add)
        self._reading.failed.connect(lambda _key, error: notifier.failed(error))
        # Lanes of another project may have the same ids.
        self._document.replaced.connect(self._reading.forget_all)
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
                return self._take_files(event) or super().eventFilter(watched, event)
            if isinstance(event, QDragMoveEvent):
                self._show(self._tools.view().clip_rect(self._document.project, clip))
            else:
                self._show(None)
                self._place(clip)
            event.acceptProposedAction()
            return True
        return super().eventFilter(watched, event)

    def close(self) -> None:
        """Wait for files that are being read."""
        self._reading.close()

    def _take_files(self, event: QDropEvent) -> bool:
        """Accept sound files over a lane; at the drop they are read. False where something else is dragged."""
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        paths = [path for path in (Path(url.toLocalFile()) for url in urls) if path.suffix.lower() in SOUND_SUFFIXES]
        object_id = self._tools.view().object_at(self._document.project, event.position().y())
        if not paths or not object_id:
            return False
        if event.type() == QEvent.Type.Drop:
            view = self._tools.view()
            start_s = self._tools.snapper.snap(max(0.0, view.time_at(event.position().x())), scale=view.scale)
            number = self._document.takes.next_number(object_id)
            self._reading.start(
                _Drop(start_s), functools.partial(_read, paths, object_id=object_id, first_number=number)
            )
        event.acceptProposedAction()
        return True

    def _add(self, drop: _Drop, found: list[Take | SounddeskError]) -> None:
        """The files are read: keep them, and place one behind the other."""
        lanes = {each.id for each in self._document.project.objects}
        start_s = drop.start_s
        for take in found:
            if isinstance(take, SounddeskError):
                notifier.failed(take)
            elif take.object_id in lanes:
                self._document.add_take(take)
                for note in take.notes:
                    notifier.info(f"{take.recipe['file']}: {note}")
                clip = Clip(id="", object_id=take.object_id, take_id=take.id, start_s=start_s, duration_s=take.seconds)
                self._document.when_free(functools.partial(self._place, clip))
                start_s = clip.end_s

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
        # It may come from another program, which may say anything.
        take_id = bytes(event.mimeData().data(TAKE_MIME).data()).decode(errors="replace")
        found: Take | None = self._document.takes.get(take_id)
        if found is None or all(each.id != found.object_id for each in self._document.project.objects):
            return None
        view = self._tools.view()
        start_s = self._tools.snapper.snap_start(
            view.time_at(event.position().x()), found.seconds, scale=view.scale, free=False, without=()
        )
        return Clip(id="", object_id=found.object_id, take_id=found.id, start_s=start_s, duration_s=found.seconds)

    def _place(self, clip: Clip) -> None:
        project, clip_id = self._room_for([clip], clip.start_s).with_new_id("c")
        project = project.with_clip(dataclasses.replace(clip, id=clip_id))
        self._document.commit(self.tr("Place take"), with_room_for_clips(project))
        self._selection.select_clips([clip_id])

    def _show(self, rect: QRectF | None) -> None:
        self.rect = rect
        self._panel.update()


def _read(paths: Sequence[Path], *, object_id: str, first_number: int) -> list[Take | SounddeskError]:
    """Each file as a take, or why it is none; not for the UI thread."""
    found: list[Take | SounddeskError] = []
    for path in paths:
        number = first_number + sum(isinstance(each, Take) for each in found)
        try:
            found.append(take_from_file(path, object_id=object_id, number=number))
        except SounddeskError as error:
            found.append(error)
    return found
