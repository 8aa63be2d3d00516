"""What is selected in the window: objects, clips and a take. Not part of the project and not undone."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.project.document import Document
from sounddesk.domain.project import Project


class SelectionModel(QObject):
    """Shared by canvas, objects panel, timeline and mixer; drops what no longer exists.

    Signals:
        objects_changed(): another set of objects, or another current one.
        clips_changed(): another set of clips.
        take_changed(): another take is being looked at.
    """

    objects_changed = Signal()
    clips_changed = Signal()
    take_changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._objects: tuple[str, ...] = ()
        self._clips: tuple[str, ...] = ()
        self._take: str | None = None
        document.changed.connect(self._prune)
        # Before, not after: whoever follows the selection would look for the old objects in the new project.
        document.replacing.connect(self.clear)

    @property
    def object_ids(self) -> tuple[str, ...]:
        """Selected objects that the project has; the last one is the current one.

        While a change is being told, others may ask before this model has heard of it.
        """
        known = {each.id for each in self._document.project.objects}
        return tuple(each for each in self._objects if each in known)

    @property
    def current_object_id(self) -> str | None:
        """The object that tools and panels work on."""
        chosen = self.object_ids
        return chosen[-1] if chosen else None

    @property
    def clip_ids(self) -> tuple[str, ...]:
        return self._clips

    @property
    def take_id(self) -> str | None:
        return self._take

    def select_objects(self, object_ids: Iterable[str]) -> None:
        """Select these and no others; what the project has not, or not any more, is passed over."""
        known = {each.id for each in self._document.project.objects}
        chosen = tuple(each for each in dict.fromkeys(object_ids) if each in known)
        if chosen != self._objects:
            self._objects = chosen
            self.objects_changed.emit()

    def select_clips(self, clip_ids: Iterable[str]) -> None:
        """Select these and no others; what the project has not, or not any more, is passed over."""
        known = {each.id for each in self._document.project.clips}
        chosen = tuple(each for each in dict.fromkeys(clip_ids) if each in known)
        if chosen != self._clips:
            self._clips = chosen
            self.clips_changed.emit()

    def select_take(self, take_id: str | None) -> None:
        if take_id != self._take:
            self._take = take_id
            self.take_changed.emit()

    def clear(self) -> None:
        self.select_objects(())
        self.select_clips(())
        self.select_take(None)

    def _prune(self, _old: Project, _new: Project) -> None:
        self.select_objects(self._objects)
        self.select_clips(self._clips)
