"""Going from clip to clip, from point to point and from lane to lane by the arrow keys."""

from __future__ import annotations

from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.curve_editing import CurveEditing


class TimelineSteps:
    """What the arrow keys do on the timeline."""

    def __init__(self, document: Document, selection: SelectionModel, curves: CurveEditing) -> None:
        self._document = document
        self._selection = selection
        self._curves = curves

    def along(self, step: int) -> None:
        """The next point of the curve that is edited, else the next clip of the lane."""
        if self._curves.step_point(step):
            return
        object_id = self._selection.current_object_id
        clips = self._document.project.clips_of(object_id) if object_id else ()
        if clips:
            chosen = [index for index, clip in enumerate(clips) if clip.id in self._selection.clip_ids]
            index = (chosen[-1] + step) % len(clips) if chosen else 0
            self._selection.select_clips([clips[index].id])

    def across(self, step: int) -> int | None:
        """The next lane; its row, or None where there is none."""
        lanes = [each.id for each in self._document.project.objects]
        if not lanes:
            return None
        current = self._selection.current_object_id
        index = (lanes.index(current) + step) % len(lanes) if current in lanes else 0
        self._selection.select_objects([lanes[index]])
        self._selection.select_clips(())
        return index
