"""What a press on a clip begins: it is selected, and moved, trimmed, faded or copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt

from sounddesk.app.timeline.timeline_commands import TimelineCommands
from sounddesk.app.timeline.timeline_drags import Drag
from sounddesk.app.timeline.timeline_drags import DragTools
from sounddesk.app.timeline.timeline_drags import FadeClip
from sounddesk.app.timeline.timeline_drags import MoveClips
from sounddesk.app.timeline.timeline_drags import TrimClip
from sounddesk.app.timeline.timeline_view import Hit
from sounddesk.domain.clip_edits import with_clips_pasted
from sounddesk.domain.ripple import with_followers
from sounddesk.domain.timeline import Clip


class ClipPresses(QObject):
    """Makes the drag for a press of the left button on a clip."""

    def __init__(self, tools: DragTools, commands: TimelineCommands, parent: QObject) -> None:
        super().__init__(parent)
        self._tools = tools
        self._document = tools.document
        self._selection = tools.selection
        self._commands = commands

    def press(self, hit: Hit, place: QPointF, modifiers: Qt.KeyboardModifier) -> Drag | None:
        """Select the clip, and begin what its part that was pressed is for; None where it was only selected."""
        clip = self._document.project.clip(hit.id)
        chosen = self._selection.clip_ids
        self._commands.chosen_marker = ""
        self._selection.select_objects([clip.object_id])
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            others = [each for each in chosen if each != clip.id]
            self._selection.select_clips(others if clip.id in chosen else [*others, clip.id])
            return None
        if clip.id not in chosen:
            self._selection.select_clips([clip.id])
        tools = self._tools
        if hit.part in ("left edge", "right edge"):
            return TrimClip(tools, place, clip, self.tr("Trim clip"), left=hit.part == "left edge")
        if hit.part in ("fade in", "fade out"):
            return FadeClip(tools, place, clip, self.tr("Fade clip"), fade_in=hit.part == "fade in")
        if modifiers & Qt.KeyboardModifier.AltModifier:
            return self._copy(clip, place)
        clips: Sequence[Clip] = [self._document.project.clip(each) for each in self._selection.clip_ids]
        ripple = self._commands.ripple
        if ripple:
            clips = with_followers(self._document.project, clips)
        return MoveClips(tools, place, clips, clip, self.tr("Move clip"), ripple=ripple)

    def _copy(self, clip: Clip, place: QPointF) -> Drag:
        """Leave the clips where they are and drag copies of them."""
        originals = [self._document.project.clip(each) for each in self._selection.clip_ids]
        first_s = min(each.start_s for each in originals)
        project, made = with_clips_pasted(self._document.project, originals, at_s=first_s)
        text = self.tr("Copy clips")
        self._document.begin(text)
        self._document.preview(project)
        copies = [project.clip(each) for each in made]
        self._selection.select_clips(made)
        drag = MoveClips(self._tools, place, copies, copies[originals.index(clip)], text)
        # The gesture has begun already.
        drag.text = ""
        return drag
