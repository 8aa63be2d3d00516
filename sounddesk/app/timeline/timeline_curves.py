"""Where the points of curves are on the timeline, and what lies under the mouse while curves are edited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from typing import Literal

from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF

from sounddesk.app.mixer.strip import pan_text
from sounddesk.app.timeline.timeline_view import NAMES_WIDTH
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.automation import share_of
from sounddesk.domain.automation import value_at
from sounddesk.domain.automation import value_of
from sounddesk.domain.curve_edits import CurveRef
from sounddesk.domain.curve_edits import curve_of
from sounddesk.domain.curve_edits import time_in_curve
from sounddesk.domain.curve_edits import time_on_timeline
from sounddesk.domain.curve_edits import value_without_curve
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.project import Project

# What the mouse edits on the lanes: the clips, or one kind of curve.
CurveMode = Literal["off", "clip", "volume", "pan"]
CURVE_MODES: Final[tuple[CurveMode, ...]] = ("off", "clip", "volume", "pan")
POINT_RADIUS: Final = 4.0
_REACH: Final = 7.0


@dataclass(frozen=True, kw_only=True)
class PointRef:
    """One point of a curve."""

    curve: CurveRef
    index: int


def shown_curves(project: Project, mode: CurveMode) -> Iterator[CurveRef]:
    """The curves that are edited in a mode."""
    if mode == "clip":
        yield from (CurveRef(of="clip", id=clip.id) for clip in project.clips)
    elif mode != "off":
        yield from (CurveRef(of=mode, id=each.id) for each in project.objects)


def curve_rect(view: TimelineView, project: Project, ref: CurveRef) -> QRectF:
    """Where a curve is drawn: over its clip, or along its lane; bottom and top are the ends of its range."""
    if ref.of == "clip":
        return view.clip_rect(project, project.clip(ref.id)).adjusted(0, POINT_RADIUS, 0, -POINT_RADIUS)
    row = [each.id for each in project.objects].index(ref.id)
    left, right = view.x_of(0.0), view.x_of(project.settings.timeline_s)
    return QRectF(left, view.lane_top(row), right - left, view.lane_height).adjusted(0, 7, 0, -7)


def place_of(view: TimelineView, project: Project, ref: CurveRef, point: CurvePoint) -> QPointF:
    """Where a point of a curve is drawn."""
    rect = curve_rect(view, project, ref)
    x = view.x_of(time_on_timeline(project, ref, point.time_s))
    return QPointF(x, rect.bottom() - share_of(point.value, kind=ref.kind) * rect.height())


def point_at(view: TimelineView, project: Project, ref: CurveRef, place: QPointF, *, time_s: float) -> CurvePoint:
    """The point that is drawn at the height of `place`, at a time of the timeline."""
    rect = curve_rect(view, project, ref)
    value = value_of((rect.bottom() - place.y()) / rect.height(), kind=ref.kind)
    # What stands in a tool tip is what is meant: tenths of a decibel, hundredths of the pan.
    value = round(value, 2 if ref.kind == "pan" else 1)
    return CurvePoint(time_s=max(0.0, time_in_curve(project, ref, time_s)), value=value)


def line_of(view: TimelineView, project: Project, ref: CurveRef) -> list[QPointF]:
    """A curve from the left end of its area to the right one; between points it is straight."""
    rect, curve = curve_rect(view, project, ref), curve_of(project, ref)
    if not curve:
        y = rect.bottom() - share_of(value_without_curve(project, ref), kind=ref.kind) * rect.height()
        return [QPointF(rect.left(), y), QPointF(rect.right(), y)]
    inner = [place_of(view, project, ref, point) for point in curve]
    ends = []
    for x in (rect.left(), rect.right()):
        time_s = time_in_curve(project, ref, view.time_at(x))
        share = share_of(value_at(curve, time_s, kind=ref.kind), kind=ref.kind)
        ends.append(QPointF(x, rect.bottom() - share * rect.height()))
    return [ends[0], *(place for place in inner if rect.left() < place.x() < rect.right()), ends[1]]


def hit_curve(view: TimelineView, project: Project, mode: CurveMode, place: QPointF) -> CurveRef | PointRef | None:
    """The point under the mouse, or the curve that a click there gets a new point; None for neither."""
    if mode == "off" or place.y() < RULER_HEIGHT or place.x() < NAMES_WIDTH:
        return None
    under: CurveRef | None = None
    for ref in shown_curves(project, mode):
        if not curve_rect(view, project, ref).adjusted(-_REACH, -_REACH, _REACH, _REACH).contains(place):
            continue
        for index, point in enumerate(curve_of(project, ref)):
            away = place_of(view, project, ref, point) - place
            if max(abs(away.x()), abs(away.y())) <= _REACH:
                return PointRef(curve=ref, index=index)
        if curve_rect(view, project, ref).adjusted(0, -_REACH, 0, _REACH).contains(place):
            under = ref
    return under


def value_text(value: float, *, pan: bool) -> str:
    """A value of a curve as strips show it."""
    if pan:
        return pan_text(value)
    return "-∞ dB" if value <= FADER_BOTTOM_DB else f"{value:+.1f} dB"
