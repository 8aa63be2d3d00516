"""What the mouse does while a button is held on the timeline; one class per kind of drag."""

from __future__ import annotations

import dataclasses
from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF

from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.domain.clip_edits import snap_targets
from sounddesk.domain.clip_edits import snapped
from sounddesk.domain.clip_edits import with_clips_moved
from sounddesk.domain.clip_edits import with_fades
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import Project
from sounddesk.domain.ripple import with_lanes_moved
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker
from sounddesk.domain.timeline import resized

SNAP_PIXELS: Final = 8.0
CLICK_PIXELS: Final = 3.0


class Snapper:
    """Draws times to edges, markers, playhead and loop, and else to whole frames."""

    def __init__(self, document: Document, player: Player) -> None:
        self._document = document
        self._player = player
        self.on = True

    def snap(
        self, time_s: float, *, scale: float, free: bool = False, without: Collection[str] = (), playhead: bool = True
    ) -> float:
        """The time to use for the one pointed at, at least 0.

        Args:
            scale: pixels per second.
            free: not now, as with Shift held.
            without: ids of clips that are being moved.
            playhead: whether the playhead attracts, too: not itself.
        """
        target = self._target(time_s, scale=scale, free=free, without=without, playhead=playhead)
        if target is not None:
            return target
        if free or not self.on:
            return max(0.0, time_s)
        rate = self._document.project.settings.timecode_rate
        return max(0.0, rate.time_of(rate.frame_at(time_s)))

    def snap_start(
        self, start_s: float, duration_s: float, *, scale: float, free: bool, without: Sequence[str]
    ) -> float:
        """The start for a clip that is moved: its start or its end snaps, whichever finds something."""
        target = self._target(start_s, scale=scale, free=free, without=without)
        if target is None:
            end_s = self._target(start_s + duration_s, scale=scale, free=free, without=without)
            if end_s is not None and end_s >= duration_s:
                return end_s - duration_s
        return self.snap(start_s, scale=scale, free=free, without=without) if target is None else target

    def _target(
        self, time_s: float, *, scale: float, free: bool, without: Collection[str], playhead: bool = True
    ) -> float | None:
        if free or not self.on:
            return None
        targets = list(snap_targets(self._document.project, without=without))
        targets += [self._player.position_s] if playhead else []
        targets += self._player.loop_s or ()
        return snapped(time_s, targets, within_s=SNAP_PIXELS / scale)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DragTools:
    """What drags work with."""

    document: Document
    selection: SelectionModel
    player: Player
    snapper: Snapper
    view: Callable[[], TimelineView]


class Drag(ABC):
    """Made at the press.

    Attributes:
        text: names the undo step that the panel begins; empty where there is none, or where it has begun.
        edits: whether the project is changed.
    """

    text = ""
    edits = False

    def __init__(self, tools: DragTools, press: QPointF) -> None:
        self.tools = tools
        self.press = press
        self.press_s = tools.view().time_at(press.x())

    @abstractmethod
    def move(self, point: QPointF, *, free: bool) -> None:
        """The mouse is at `point`; `free`: nothing snaps."""

    def release(self) -> None:  # noqa: B027  # most have nothing left to do
        """The button was let go of."""

    def moved_s(self, point: QPointF) -> float:
        """Seconds between the press and `point`."""
        return self.tools.view().time_at(point.x()) - self.press_s


class MoveClips(Drag):
    """Clips move together by what the one under the mouse moves; with `ripple` the curves of their lanes as well."""

    def __init__(
        self,
        tools: DragTools,
        press: QPointF,
        clips: Sequence[Clip],
        grabbed: Clip,
        text: str,
        *,
        ripple: bool = False,
    ) -> None:
        super().__init__(tools, press)
        self.text, self.edits = text, True
        self.moved = False
        self._clips = tuple(clips)
        self._grabbed = grabbed
        self._before = tools.document.project if ripple else None

    def move(self, point: QPointF, *, free: bool) -> None:
        self.moved = self.moved or abs(point.x() - self.press.x()) > CLICK_PIXELS
        grabbed, document = self._grabbed, self.tools.document
        start_s = self.tools.snapper.snap_start(
            grabbed.start_s + self.moved_s(point),
            grabbed.duration_s,
            scale=self.tools.view().scale,
            free=free,
            without=[clip.id for clip in self._clips],
        )
        by_s = start_s - grabbed.start_s
        project = with_clips_moved(document.project, self._clips, by_s)
        if self._before is not None:
            project = with_lanes_moved(project, self._before, self._clips, by_s)
        document.preview(with_room_for_clips(project))


class TrimClip(Drag):
    """One edge of a clip moves; the sound stays in its place."""

    def __init__(self, tools: DragTools, press: QPointF, clip: Clip, text: str, *, left: bool) -> None:
        super().__init__(tools, press)
        self.text, self.edits = text, True
        self._clip = clip
        self._left = left

    def move(self, point: QPointF, *, free: bool) -> None:
        edge_s = (self._clip.start_s if self._left else self._clip.end_s) + self.moved_s(point)
        scale = self.tools.view().scale
        edge_s = self.tools.snapper.snap(edge_s, scale=scale, free=free, without=[self._clip.id])
        changed = resized(self._clip, start_s=edge_s) if self._left else resized(self._clip, end_s=edge_s)
        document = self.tools.document
        document.preview(with_room_for_clips(document.project.with_clip(changed)))


class FadeClip(Drag):
    """The corner of a clip moves: a longer or shorter fade."""

    def __init__(self, tools: DragTools, press: QPointF, clip: Clip, text: str, *, fade_in: bool) -> None:
        super().__init__(tools, press)
        self.text, self.edits = text, True
        self._clip = clip
        self._fade_in = fade_in

    def move(self, point: QPointF, *, free: bool) -> None:
        del free
        clip, moved_s = self._clip, self.moved_s(point)
        if self._fade_in:
            changed = with_fades(clip, fade_in_s=clip.fade_in_s + moved_s)
        else:
            changed = with_fades(clip, fade_out_s=clip.fade_out_s - moved_s)
        self.tools.document.preview(self.tools.document.project.with_clip(changed))


class MoveMarker(Drag):
    """A marker moves."""

    def __init__(self, tools: DragTools, press: QPointF, marker: Marker, text: str) -> None:
        super().__init__(tools, press)
        self.text, self.edits = text, True
        self._marker = marker

    def move(self, point: QPointF, *, free: bool) -> None:
        time_s = self._marker.time_s + self.moved_s(point)
        time_s = self.tools.snapper.snap(time_s, scale=self.tools.view().scale, free=free)
        document = self.tools.document
        document.preview(document.project.with_marker(dataclasses.replace(self._marker, time_s=time_s)))


class MoveEnd(Drag):
    """The end of the timeline moves."""

    def __init__(self, tools: DragTools, press: QPointF, text: str) -> None:
        super().__init__(tools, press)
        self.text, self.edits = text, True
        self._end_s = tools.document.project.settings.timeline_s

    def move(self, point: QPointF, *, free: bool) -> None:
        end_s = self.tools.snapper.snap(self._end_s + self.moved_s(point), scale=self.tools.view().scale, free=free)
        document = self.tools.document
        document.preview(document.project.with_settings(timeline_s=min(3600.0, max(1.0, end_s))))


class LoopRange(Drag):
    """A range is drawn on the ruler, to be looped; a mere click moves the playhead there."""

    def __init__(self, tools: DragTools, press: QPointF, *, free: bool = False) -> None:
        super().__init__(tools, press)
        self._drawn = False
        self._free = free

    def move(self, point: QPointF, *, free: bool) -> None:
        if not self._drawn and abs(point.x() - self.press.x()) <= CLICK_PIXELS:
            return
        self._drawn = True
        scale, snap = self.tools.view().scale, self.tools.snapper.snap
        ends = sorted(snap(each, scale=scale, free=free) for each in (self.press_s, self.press_s + self.moved_s(point)))
        self.tools.player.set_loop((ends[0], ends[1]))

    def release(self) -> None:
        if not self._drawn:
            scale = self.tools.view().scale
            self.tools.player.seek(self.tools.snapper.snap(self.press_s, scale=scale, free=self._free, playhead=False))


class Scrub(Drag):
    """The playhead is dragged, and what lies under it is heard; it snaps as clips do."""

    def move(self, point: QPointF, *, free: bool) -> None:
        view = self.tools.view()
        time_s = self.tools.snapper.snap(view.time_at(point.x()), scale=view.scale, free=free, playhead=False)
        self.tools.player.scrub(time_s)

    def release(self) -> None:
        self.tools.player.end_scrub()


class Marquee(Drag):
    """A rectangle drawn over lanes selects the clips that it touches, added to `kept`."""

    def __init__(self, tools: DragTools, press: QPointF, kept: Sequence[str]) -> None:
        super().__init__(tools, press)
        self._kept = tuple(kept)
        self.rect: QRectF | None = None

    def move(self, point: QPointF, *, free: bool) -> None:
        del free
        self.rect = QRectF(self.press, point).normalized()
        project: Project = self.tools.document.project
        view = self.tools.view()
        touched = [clip.id for clip in project.clips if view.clip_rect(project, clip).intersects(self.rect)]
        self.tools.selection.select_clips([*self._kept, *touched])

    def release(self) -> None:
        self.rect = None
