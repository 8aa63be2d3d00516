"""The timeline in words, for a screen reader."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary


class SpokenTimeline(QObject):
    """Keeps the description of a painted timeline, which has no children that a screen reader could find."""

    def __init__(self, document: Document, selection: SelectionModel, widget: QWidget) -> None:
        super().__init__(widget)
        self._document = document
        self._selection = selection
        self._widget = widget
        for signal in (selection.clips_changed, selection.objects_changed, document.replaced):
            signal.connect(self._describe)
        document.changed.connect(lambda _old, _new: self._describe())
        self._describe()

    def _describe(self) -> None:
        document, selection = self._document, self._selection
        # A lane that was just deleted may still be selected for a moment.
        known = {each.id for each in document.project.objects}
        chosen = [each for each in selection.object_ids if each in known]
        text = timeline_text(document.project, document.takes, chosen, selection.clip_ids)
        if text != self._widget.accessibleDescription():
            self._widget.setAccessibleDescription(text)


def timeline_text(project: Project, takes: TakeLibrary, object_ids: Collection[str], clip_ids: Collection[str]) -> str:
    """The selected clips with their places; where none is selected, the clips of the selected lanes, else the lanes.

    Example:
        >>> timeline_text(Project(), TakeLibrary(), (), ())
        'no lanes'
    """
    clips = [clip for clip in project.clips if clip.id in clip_ids]
    if not clips:
        clips = [clip for clip in project.clips if clip.object_id in object_ids]
    if not clips:
        names = ", ".join(each.name for each in project.objects)
        return _tr("lanes: {names}").format(names=names) if names else _tr("no lanes")
    words = []
    for clip in sorted(clips, key=lambda each: (each.start_s, each.id)):
        take = takes.get(clip.take_id)
        number = "" if take is None else _tr(", take {number}").format(number=take.number)
        text = _tr("{name}{take}, from {start:.2f} to {end:.2f} s")
        words.append(
            text.format(name=project.object(clip.object_id).name, take=number, start=clip.start_s, end=clip.end_s)
        )
    return "; ".join(words)


def take_names(project: Project, takes: TakeLibrary) -> dict[str, str]:
    """What the takes of clips are called, by id: by the user, or by their number."""
    names = {}
    for clip in project.clips:
        take = takes.get(clip.take_id)
        if take is not None:
            names[take.id] = project.mark_of(take.id).name or _tr("Take {number}").format(number=take.number)
    return names


def _tr(text: str) -> str:
    return str(QCoreApplication.translate("timeline", text))
