"""Where things are on the timeline: from seconds and lanes to pixels and back, and what lies under the mouse."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Final
from typing import Literal

from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF

from sounddesk.domain.project import Project
from sounddesk.domain.timeline import Clip

MARKERS_HEIGHT: Final = 16
RULER_HEIGHT: Final = 38
LANE_HEIGHT: Final = 52
NAMES_WIDTH: Final = 150
MIN_LANE, MAX_LANE = 36, 200
# What lanes grow to by themselves where there is room.
USUAL_LANE_MAX: Final = 72
# Mute and solo on the headers of lanes.
FLAG_SIDE: Final = 20
EDGE_WIDTH: Final = 6
FADE_HEIGHT: Final = 12
FADE_WIDTH: Final = 9
MIN_SCALE, MAX_SCALE = 4.0, 2000.0

Part = Literal[
    "body", "left edge", "right edge", "fade in", "fade out", "lane", "name", "mute", "solo",
    "ruler", "markers", "marker", "playhead", "end",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Hit:
    """What lies under a point: `id` of the clip, the marker or the lane's object; empty for none."""

    part: Part
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class TimelineView:
    """The part of the timeline that is shown.

    Attributes:
        scale: pixels per second.
        left_s: time at the left end of the lanes.
        top: pixels of lanes that are scrolled away above; the ruler and the headers stay.
        lane_height: pixels of a lane.
    """

    scale: float = 60.0
    left_s: float = 0.0
    top: float = 0.0
    lane_height: int = LANE_HEIGHT

    def x_of(self, time_s: float) -> float:
        """Widget x of a time."""
        return NAMES_WIDTH + (time_s - self.left_s) * self.scale

    def time_at(self, x: float) -> float:
        """Time in seconds at a widget x; may lie before 0."""
        return (x - NAMES_WIDTH) / self.scale + self.left_s

    def zoomed(self, factor: float, *, around_x: float) -> TimelineView:
        """Another scale, with the time at `around_x` staying where it is."""
        scale = min(MAX_SCALE, max(MIN_SCALE, self.scale * factor))
        left_s = self.time_at(around_x) - (around_x - NAMES_WIDTH) / scale
        return replace(self, scale=scale, left_s=max(0.0, left_s))

    def lane_top(self, row: int) -> float:
        """Widget y of a lane's upper edge."""
        return RULER_HEIGHT + row * self.lane_height - self.top

    def lanes_height(self, count: int) -> int:
        """Pixels of all lanes together."""
        return count * self.lane_height

    def scrolled_down(self, pixels: float, *, count: int, height: int) -> TimelineView:
        """Moved over `count` lanes in a widget `height` pixels high, not beyond the first and the last one."""
        most = max(0.0, self.lanes_height(count) - (height - RULER_HEIGHT))
        return replace(self, top=min(max(0.0, self.top + pixels), most))

    def with_lane_height(self, lane_height: float, *, count: int, height: int) -> TimelineView:
        """With lanes of another height, within limits."""
        made = replace(self, lane_height=round(min(MAX_LANE, max(MIN_LANE, lane_height))))
        return made.scrolled_down(0.0, count=count, height=height)

    def with_lanes_in_sight(self, *, count: int, height: int) -> TimelineView:
        """With lanes that fill a widget `height` pixels high, as far as they stay of a usual height."""
        room = (height - RULER_HEIGHT - 1) // max(1, count)
        return self.with_lane_height(min(USUAL_LANE_MAX, room), count=count, height=height)

    def flag_rect(self, row: int, *, solo: bool) -> QRectF:
        """Mute or solo on the header of a lane."""
        left = NAMES_WIDTH - (1 if solo else 2) * (FLAG_SIDE + 3) - 3
        return QRectF(left, self.lane_top(row) + (self.lane_height - FLAG_SIDE) / 2, FLAG_SIDE, FLAG_SIDE)

    def scrolled(self, pixels: float) -> TimelineView:
        """Moved along by `pixels`, not before 0."""
        return replace(self, left_s=max(0.0, self.left_s + pixels / self.scale))

    def fitted(self, first_s: float, last_s: float, *, width: int) -> TimelineView:
        """With a range of seconds filling the lanes of a widget `width` pixels wide."""
        room = max(40.0, width - NAMES_WIDTH - 24.0)
        scale = min(MAX_SCALE, max(MIN_SCALE, room / max(0.05, last_s - first_s)))
        return replace(self, scale=scale, left_s=max(0.0, first_s))

    def clip_rect(self, project: Project, clip: Clip) -> QRectF:
        """Where a clip is drawn."""
        row = [each.id for each in project.objects].index(clip.object_id)
        top = self.lane_top(row) + 3
        return QRectF(self.x_of(clip.start_s), top, clip.duration_s * self.scale, self.lane_height - 6)

    def fade_handle(self, project: Project, clip: Clip, *, fade_in: bool) -> QRectF:
        """The corner that is dragged to change a fade."""
        fades = project.fades[clip.id]
        time_s = clip.start_s + fades.in_s if fade_in else clip.end_s - fades.out_s
        top = self.clip_rect(project, clip).top()
        return QRectF(self.x_of(time_s) - FADE_WIDTH, top, 2 * FADE_WIDTH, FADE_HEIGHT)

    def marker_rect(self, time_s: float, *, width: float = 14.0) -> QRectF:
        """The flag of a marker."""
        return QRectF(self.x_of(time_s) - 4, 0, width, MARKERS_HEIGHT)

    def object_at(self, project: Project, y: float) -> str:
        """The object whose lane is at a widget y; empty for none."""
        row = int((y - RULER_HEIGHT + self.top) // self.lane_height)
        return project.objects[row].id if 0 <= row < len(project.objects) else ""

    def hit(self, project: Project, point: QPointF, *, playhead_s: float) -> Hit:
        """What a press at `point` takes hold of. Clips that lie on top come first."""
        if point.y() < RULER_HEIGHT:
            return self._hit_ruler(project, point, playhead_s=playhead_s)
        if point.x() < NAMES_WIDTH:
            return self._hit_header(project, point)
        for clip in reversed(project.clips):
            rect = self.clip_rect(project, clip)
            # A handle reaches a little beyond its clip, so that a fade of 0 can be taken hold of.
            if not rect.adjusted(-FADE_WIDTH, 0, FADE_WIDTH, 0).contains(point):
                continue
            # The corners fade, the edges below them trim.
            wide = rect.width() > 4 * FADE_WIDTH
            for fade_in in (True, False):
                handle = self.fade_handle(project, clip, fade_in=fade_in)
                if wide and handle.contains(point):
                    return Hit(part="fade in" if fade_in else "fade out", id=clip.id)
            if not rect.contains(point):
                continue
            if point.x() - rect.left() < EDGE_WIDTH:
                return Hit(part="left edge", id=clip.id)
            if rect.right() - point.x() < EDGE_WIDTH:
                return Hit(part="right edge", id=clip.id)
            return Hit(part="body", id=clip.id)
        return Hit(part="lane", id=self.object_at(project, point.y()))

    def _hit_header(self, project: Project, point: QPointF) -> Hit:
        object_id = self.object_at(project, point.y())
        for row, each in enumerate(project.objects):
            if each.id == object_id:
                for solo in (False, True):
                    if self.flag_rect(row, solo=solo).contains(point):
                        return Hit(part="solo" if solo else "mute", id=object_id)
        return Hit(part="name", id=object_id)

    def _hit_ruler(self, project: Project, point: QPointF, *, playhead_s: float) -> Hit:
        if point.x() < NAMES_WIDTH - 5:
            return Hit(part="name")
        if point.y() < MARKERS_HEIGHT:
            for marker in reversed(project.markers):
                if self.marker_rect(marker.time_s).contains(point):
                    return Hit(part="marker", id=marker.id)
            return Hit(part="markers")
        if abs(point.x() - self.x_of(playhead_s)) <= 5:
            return Hit(part="playhead")
        if abs(point.x() - self.x_of(project.settings.timeline_s)) <= 5:
            return Hit(part="end")
        return Hit(part="ruler")
