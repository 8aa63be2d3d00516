"""What lies under the mouse on the timeline while nothing is dragged: its cursor, and that it lights up."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from sounddesk.app.timeline.timeline_curves import CurveMode
from sounddesk.app.timeline.timeline_curves import PointRef
from sounddesk.app.timeline.timeline_curves import hit_curve
from sounddesk.app.timeline.timeline_view import Hit
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.domain.project import Project

_CURSORS: Final = {
    "left edge": Qt.CursorShape.SizeHorCursor,
    "right edge": Qt.CursorShape.SizeHorCursor,
    "end": Qt.CursorShape.SizeHorCursor,
    "fade in": Qt.CursorShape.SizeFDiagCursor,
    "fade out": Qt.CursorShape.SizeBDiagCursor,
    "playhead": Qt.CursorShape.SplitHCursor,
    "marker": Qt.CursorShape.PointingHandCursor,
    "body": Qt.CursorShape.OpenHandCursor,
    "mute": Qt.CursorShape.PointingHandCursor,
    "solo": Qt.CursorShape.PointingHandCursor,
}
_BUTTONS: Final = ("mute", "solo")


class TimelineHover:
    """Of one timeline; the widget is painted anew only where something else is under the mouse."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self.button: Hit | None = None
        """Mute or solo of a lane."""
        self.clip_id = ""
        """A clip, whatever part of it; empty for none."""

    def move(self, hit: Hit, place: QPointF, *, view: TimelineView, project: Project, mode: CurveMode) -> None:
        """The mouse is at a place where a press would take hold of `hit`."""
        curve = hit_curve(view, project, mode, place)
        if curve is not None:
            point = isinstance(curve, PointRef)
            self._widget.setCursor(Qt.CursorShape.SizeAllCursor if point else Qt.CursorShape.CrossCursor)
        else:
            self._widget.setCursor(_CURSORS.get(hit.part, Qt.CursorShape.ArrowCursor))
        on_clip = curve is None and any(clip.id == hit.id for clip in project.clips)
        self._show(hit if hit.part in _BUTTONS else None, hit.id if on_clip else "")

    def leave(self) -> None:
        """The mouse is elsewhere."""
        self._show(None, "")

    def _show(self, button: Hit | None, clip_id: str) -> None:
        if (button, clip_id) != (self.button, self.clip_id):
            self.button, self.clip_id = button, clip_id
            self._widget.update()
