"""The timeline in words, for a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.accessible_parts import AccessiblePart
from sounddesk.app.look.accessible_parts import AccessibleParts
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.curve_editing import CurveEditing
from sounddesk.app.timeline.timeline_curves import PointRef
from sounddesk.app.timeline.timeline_curves import value_text
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.domain.curve_edits import curve_of
from sounddesk.domain.curve_edits import time_on_timeline
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import Clip


class SpokenTimeline(AccessibleParts):
    """Clips and markers of a painted timeline as its children; its description says what is selected."""

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        curves: CurveEditing,
        widget: QWidget,
        view: Callable[[], TimelineView],
    ) -> None:
        """`view`: the part that is shown now."""
        super().__init__(widget, QAccessible.Role.List)
        self._document = document
        self._selection = selection
        self._curves = curves
        self._view = view
        selection.clips_changed.connect(self.tell_selection)
        for signal in (selection.clips_changed, selection.objects_changed, curves.changed, document.replaced):
            signal.connect(self._describe)
        document.changed.connect(lambda _old, _new: self._describe())
        self._describe()

    def parts(self) -> list[AccessiblePart]:
        """Clips lane by lane in the order of time, then the markers."""
        document, view = self._document, self._view()
        project = document.project
        found = []
        for each in project.objects:
            for clip in sorted(project.clips_of(each.id), key=lambda clip: clip.start_s):
                found.append(
                    AccessiblePart(
                        key=clip.id,
                        name=clip_text(project, document.takes, clip),
                        description=_tr("muted") if each.strip.muted else "",
                        rect=view.clip_rect(project, clip).toAlignedRect(),
                        selected=clip.id in self._selection.clip_ids,
                    )
                )
        for marker in project.markers:
            text = _tr("marker {label} at {time:.2f} s").format(label=marker.label, time=marker.time_s)
            rect = view.marker_rect(marker.time_s).toAlignedRect()
            found.append(AccessiblePart(key=marker.id, name=text, rect=rect))
        return found

    def _describe(self) -> None:
        document, selection = self._document, self._selection
        # A lane that was just deleted may still be selected for a moment.
        known = {each.id for each in document.project.objects}
        chosen = [each for each in selection.object_ids if each in known]
        text = timeline_text(document.project, document.takes, chosen, selection.clip_ids)
        point = self._curves.chosen_point
        if point is not None:
            text = f"{point_text(document.project, point)}; {text}"
        if text != self.widget.accessibleDescription():
            self.widget.setAccessibleDescription(text)


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
    return "; ".join(
        clip_text(project, takes, clip) for clip in sorted(clips, key=lambda each: (each.start_s, each.id))
    )


def clip_text(project: Project, takes: TakeLibrary, clip: Clip) -> str:
    """A clip in words: whose it is, which take, and where it lies."""
    take = takes.get(clip.take_id)
    number = "" if take is None else _tr(", take {number}").format(number=take.number)
    text = _tr("{name}{take}, from {start:.2f} to {end:.2f} s")
    said = text.format(name=project.object(clip.object_id).name, take=number, start=clip.start_s, end=clip.end_s)
    return said + _tr(", backwards") if clip.reversed else said


def point_text(project: Project, point: PointRef) -> str:
    """A point of a curve in words: of what, which one, and where it lies."""
    ref, curve = point.curve, curve_of(project, point.curve)
    object_id = project.clip(ref.id).object_id if ref.of == "clip" else ref.id
    what = {"clip": _tr("clip gain"), "volume": _tr("volume"), "pan": _tr("pan")}[ref.of]
    found = curve[point.index]
    text = _tr("{what} of {name}, point {number} of {count}, {value} at {time:.2f} s")
    return text.format(
        what=what,
        name=project.object(object_id).name,
        number=point.index + 1,
        count=len(curve),
        value=value_text(found.value, pan=ref.kind == "pan"),
        time=time_on_timeline(project, ref, found.time_s),
    )


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
