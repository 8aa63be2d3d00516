"""What menus and keys do with clips and markers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.clip_clipboard import clips_on_the_clipboard
from sounddesk.app.timeline.clip_clipboard import copy_clips
from sounddesk.app.timeline.clip_dialog import ClipDialog
from sounddesk.app.timeline.curve_editing import CurveEditing
from sounddesk.audio.loudest_event import loudest_event_s
from sounddesk.domain.clip_edits import with_clip_at_markers
from sounddesk.domain.clip_edits import with_clip_reversed
from sounddesk.domain.clip_edits import with_clips_duplicated
from sounddesk.domain.clip_edits import with_clips_moved
from sounddesk.domain.clip_edits import with_clips_pasted
from sounddesk.domain.clip_edits import with_length_of_clips
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import Project
from sounddesk.domain.ripple import with_followers
from sounddesk.domain.ripple import with_gap_closed
from sounddesk.domain.ripple import with_lanes_moved
from sounddesk.domain.ripple import with_room_made
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import FadeCurve
from sounddesk.domain.timeline import Marker
from sounddesk.domain.timeline import resized
from sounddesk.domain.timeline import split

MAX_CLIP_GAIN_DB: Final = 24.0


class TimelineCommands(QObject):
    """Carries out the commands below.

    Attributes:
        chosen_marker: id of the marker that keys act on; empty for none.
        ripple: whether what is deleted, pasted, duplicated, dropped, moved and nudged carries along what follows on
            its lane.
        curves: edits points, and gets the keys while one is chosen.
    """

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        player: Player,
        panel: QWidget,
    ) -> None:
        super().__init__(panel)
        self._document = document
        self._selection = selection
        self._actions = actions
        self._player = player
        self._panel = panel
        self.chosen_marker = ""
        self.ripple = False
        self.curves: CurveEditing | None = None
        actions.add(COMMANDS, owner=self)
        selection.clips_changed.connect(actions.refresh)
        document.changed.connect(lambda _old, _new: actions.refresh())
        document.replaced.connect(actions.refresh)
        document.changed.connect(self._show_crossfades)
        document.replaced.connect(self._show_crossfades)

    def attach_curves(self, curves: CurveEditing) -> None:
        """Let keys act on points of curves first."""
        self.curves = curves
        curves.changed.connect(self._actions.refresh)

    def _show_crossfades(self, *_states: object) -> None:
        self._actions["timeline.crossfades"].setChecked(self._document.project.settings.crossfades)

    @property
    def has_clips(self) -> bool:
        return bool(self._document.project.clips)

    @property
    def has_chosen_clips(self) -> bool:
        return bool(self._selection.clip_ids)

    @property
    def has_chosen_clips_or_point(self) -> bool:
        return self.has_chosen_clips or (self.curves is not None and self.curves.chosen_point is not None)

    @property
    def has_markers(self) -> bool:
        return bool(self._document.project.markers)

    # ------------------------------------------------------------------ clips

    def _chosen(self) -> list[Clip]:
        return [self._document.project.clip(each) for each in self._selection.clip_ids]

    def split(self) -> None:
        """Cut the clips under the playhead: the selected ones; else those on the selected lanes; else all of them."""
        project = self._document.project
        at_s = self._player.position_s
        under = [clip for clip in project.clips if clip.start_s + 0.011 < at_s < clip.end_s - 0.011]
        # After a split the left part is selected and has been left: the next one is on the same lane.
        chosen = [clip for clip in under if clip.id in self._selection.clip_ids]
        on_lanes = [clip for clip in under if clip.object_id in self._selection.object_ids]
        under = chosen or on_lanes or under
        if not under:
            notifier.warning(self.tr("No clip lies under the playhead: move it into one first."))
        elif all(clip.looped for clip in under):
            notifier.warning(self.tr("A looped clip cannot be split: turn looping off first."))
        else:
            for clip in under:
                if not clip.looped:
                    project, new_id = project.with_new_id("c")
                    left, right = split(clip, at_s=at_s, new_id=new_id)
                    project = project.with_clip(left).with_clip(right)
            self._document.commit(self.tr("Split clips"), project)

    def delete(self) -> None:
        """Remove the chosen point of a curve, else the selected clips, else the selected marker."""
        if self.curves is not None and self.curves.remove_chosen():
            return
        project = self._document.project
        if self._selection.clip_ids:
            self._document.commit(self.tr("Delete clips"), self._without_chosen())
        elif any(marker.id == self.chosen_marker for marker in project.markers):
            self._document.commit(self.tr("Delete marker"), project.without_markers([self.chosen_marker]))
            self.chosen_marker = ""

    def set_ripple(self, on: bool) -> None:
        """Whether edits carry along what follows on the same lane."""
        self.ripple = on

    def _without_chosen(self) -> Project:
        project, clip_ids = self._document.project, self._selection.clip_ids
        return with_gap_closed(project, clip_ids) if self.ripple else project.without_clips(clip_ids)

    def with_room_for(self, clips: Sequence[Clip], *, at_s: float) -> Project:
        """The project to put `clips` into, the first of them at a time: with room made, where that is wanted."""
        project = self._document.project
        if not (self.ripple and clips):
            return project
        by_s = max(clip.end_s for clip in clips) - min(clip.start_s for clip in clips)
        return with_room_made(project, (clip.object_id for clip in clips), at_s=at_s, by_s=by_s)

    def copy(self) -> None:
        clips = self._chosen()
        if clips:
            copy_clips(clips)

    def cut(self) -> None:
        if self._selection.clip_ids:
            self.copy()
            self._document.commit(self.tr("Cut clips"), self._without_chosen())

    def paste(self) -> None:
        """Clips from the clipboard, the first of them at the playhead."""
        clips = clips_on_the_clipboard(self._document.project, self._document.takes)
        if not clips:
            notifier.warning(self.tr("There are no clips of this project in the clipboard: copy some first."))
            return
        at_s = self._player.position_s
        project, made = with_clips_pasted(self.with_room_for(clips, at_s=at_s), clips, at_s=at_s)
        self._commit_made(self.tr("Paste clips"), project, made)

    def duplicate(self) -> None:
        if self._selection.clip_ids:
            clips = self._chosen()
            room = self.with_room_for(clips, at_s=max(clip.end_s for clip in clips))
            project, made = with_clips_duplicated(room, self._selection.clip_ids)
            self._commit_made(self.tr("Duplicate clips"), project, made)

    def _commit_made(self, text: str, project: Project, made: tuple[str, ...]) -> None:
        self._document.commit(text, with_room_for_clips(project))
        self._selection.select_clips(made)

    def select_all(self) -> None:
        self._selection.select_clips(clip.id for clip in self._document.project.clips)

    def toggle_clip_loops(self) -> None:
        project = self._document.project
        for clip in self._chosen():
            project = project.with_clip(dataclasses.replace(clip, looped=not clip.looped))
        self._document.commit(self.tr("Loop clips"), project)

    def nudge(self, frames: int) -> None:
        """The chosen point of a curve, else the selected clips, earlier or later by frames."""
        project = self._document.project
        seconds = project.settings.timecode_rate.time_of(frames)
        if self.curves is not None and self.curves.nudge(seconds):
            return
        chosen = self._chosen()
        clips = with_followers(project, chosen) if self.ripple else chosen
        moved = with_clips_moved(project, clips, seconds)
        project = with_lanes_moved(moved, project, clips, seconds) if self.ripple else moved
        self._document.commit(self.tr("Nudge clips"), with_room_for_clips(project), merge_key="nudge")

    def change_gain(self, step_db: float) -> None:
        """The chosen point of a curve higher or lower, else the selected clips louder or softer, from -60 to 24 dB."""
        if self.curves is not None and self.curves.change_value(step_db):
            return
        project = self._document.project
        for clip in self._chosen():
            gain_db = min(MAX_CLIP_GAIN_DB, max(-60.0, clip.gain_db + step_db))
            project = project.with_clip(dataclasses.replace(clip, gain_db=gain_db))
        self._document.commit(self.tr("Clip gain"), project, merge_key="clip gain")

    def reverse(self) -> None:
        """Play the selected clips backwards, or forwards again."""
        project = self._document.project
        for clip in self._chosen():
            take = self._document.takes.get(clip.take_id)
            if take is not None:
                project = project.with_clip(with_clip_reversed(clip, take_seconds=take.seconds))
        self._document.commit(self.tr("Reverse clips"), project)

    def set_fade_curve(self, clip_id: str, curve: FadeCurve, *, fade_in: bool) -> None:
        """Another shape of a fade: of a clip, and of the other selected ones where it is among them."""
        project = self._document.project
        chosen = self._selection.clip_ids
        for each in chosen if clip_id in chosen else (clip_id,):
            changes: dict[str, Any] = {"fade_in_curve" if fade_in else "fade_out_curve": curve}
            project = project.with_clip(dataclasses.replace(project.clip(each), **changes))
        self._document.commit(self.tr("Shape of the fade"), project)

    def toggle_crossfades(self) -> None:
        """Let clips that overlap fade into each other, or add up."""
        project = self._document.project
        on = not project.settings.crossfades
        self._document.commit(self.tr("Crossfades"), project.with_settings(crossfades=on))

    def ask_for_numbers(self) -> None:
        """Place, length, gain and fades of the selected clips, as numbers."""
        clips = self._chosen()
        if not clips:
            notifier.warning(self.tr("No clip is selected: click on one first."))
            return
        dialog = ClipDialog(clips, self._panel)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted_clips.connect(self._take_numbers)
        dialog.open()

    def _take_numbers(self, clips: Sequence[Clip]) -> None:
        project = self._document.project
        there = {clip.id for clip in project.clips}
        for clip in clips:
            # The dialog leaves the window to itself, but a take that is done may have changed the project.
            if clip.id in there:
                project = project.with_clip(clip)
        self._document.commit(self.tr("Change clips"), with_room_for_clips(project))

    def fit_length(self) -> None:
        self._document.commit(self.tr("Timeline length"), with_length_of_clips(self._document.project))

    # ------------------------------------------------------------------ markers

    def add_marker(self, *, at_s: float | None = None, of_object: bool = False) -> None:
        """A marker at a time, else at the playhead; for the current object only, or for all."""
        object_id = self._selection.current_object_id if of_object else None
        project, marker_id = self._document.project.with_new_id("m")
        time_s = self._player.position_s if at_s is None else max(0.0, at_s)
        marker = Marker(id=marker_id, time_s=time_s, label=str(len(project.markers) + 1), object_id=object_id)
        self._document.commit(self.tr("Add marker"), project.with_marker(marker))
        self.chosen_marker = marker_id
        self._panel.update()

    def ask_marker_name(self) -> None:
        """Another name for the selected marker."""
        found = next((m for m in self._document.project.markers if m.id == self.chosen_marker), None)
        if found is None:
            notifier.warning(self.tr("No marker is selected: click on its flag above the ruler first."))
            return
        name, accepted = QInputDialog.getText(
            self._panel, self.tr("Rename marker"), self.tr("Name"), QLineEdit.EchoMode.Normal, found.label
        )
        if accepted:
            changed = self._document.project.with_marker(dataclasses.replace(found, label=name.strip()))
            self._document.commit(self.tr("Rename marker"), changed)

    def go_to_marker(self, direction: int) -> None:
        position_s = self._player.position_s
        markers = [m for m in self._document.project.markers if direction * (m.time_s - position_s) > 1e-3]
        if markers:
            nearest = min(markers, key=lambda m: abs(m.time_s - position_s))
            self.chosen_marker = nearest.id
            self._player.seek(nearest.time_s)

    def place_at_markers(self) -> None:
        """The loudest event of the current object's sound at every marker, its loudest moment on the marker."""
        project = self._document.project
        object_id = self._selection.current_object_id
        clips = project.clips_of(object_id) if object_id is not None else ()
        chosen = [clip for clip in clips if clip.id in self._selection.clip_ids] or list(clips)
        if not chosen:
            notifier.warning(self.tr("Place at markers needs an object with a clip: select one first."))
            return
        pattern = chosen[0]
        take = self._document.takes[pattern.take_id]
        first = round(pattern.offset_s * take.sample_rate_hz)
        played = take.mono[::-1] if pattern.reversed else take.mono
        sounding = played[first : first + max(1, round(pattern.duration_s * take.sample_rate_hz))]
        begin_s, peak_s, end_s = loudest_event_s(sounding, sample_rate_hz=take.sample_rate_hz)
        if not pattern.looped:
            pattern = resized(
                pattern, start_s=pattern.start_s + begin_s, end_s=pattern.start_s + min(end_s, pattern.duration_s)
            )
            peak_s -= begin_s
        try:
            project = with_clip_at_markers(project, pattern, peak_s=min(peak_s, pattern.duration_s))
        except ValueError as error:
            notifier.refused(error)
            return
        self._document.commit(self.tr("Place at markers"), with_room_for_clips(project))


COMMANDS: Final[tuple[Command[TimelineCommands], ...]] = (
    Command("timeline.cut", "Cu&t clips", TimelineCommands.cut, menu="Edit", section="clipboard", keys="Ctrl+X",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.copy", "&Copy clips", TimelineCommands.copy, menu="Edit", section="clipboard", keys="Ctrl+C",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.paste", "Paste clips at play&head", TimelineCommands.paste, menu="Edit", section="clipboard",
            order=2, keys="Ctrl+Shift+V"),
    Command("timeline.select_all", "Select all c&lips", TimelineCommands.select_all, menu="Edit", section="select",
            keys="Ctrl+Shift+A",
            enabled=lambda it: it.has_clips),
    Command("timeline.split", "&Split at playhead", TimelineCommands.split, menu="Timeline", section="clips",
            keys="Ctrl+K",
            enabled=lambda it: it.has_clips),
    Command("timeline.duplicate", "D&uplicate clips", TimelineCommands.duplicate, menu="Timeline", section="clips",
            keys="Ctrl+D",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.delete", "&Delete clips or marker", TimelineCommands.delete, menu="Timeline", section="clips",
            keys="Del"),
    Command("timeline.numbers", "Place, &gain and fades…", TimelineCommands.ask_for_numbers, menu="Timeline",
            section="clips", keys="Alt+Return",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.loop", "&Loop clips", TimelineCommands.toggle_clip_loops, menu="Timeline", section="sound",
            keys="Ctrl+L",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.reverse", "&Reverse clips", TimelineCommands.reverse, menu="Timeline", section="sound",
            keys="Ctrl+R",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.louder", "L&ouder by 1 dB", lambda it: it.change_gain(1.0), menu="Timeline",
            section="sound", keys="Alt+Up",
            enabled=lambda it: it.has_chosen_clips_or_point),
    Command("timeline.softer", "&Softer by 1 dB", lambda it: it.change_gain(-1.0), menu="Timeline",
            section="sound", keys="Alt+Down",
            enabled=lambda it: it.has_chosen_clips_or_point),
    Command("timeline.crossfades", "&Crossfade overlapping clips", switch=lambda it, _on: it.toggle_crossfades(),
            checked=True, menu="Timeline", section="sound"),
    Command("timeline.ripple", "R&ipple", switch=lambda it, on: it.set_ripple(on), menu="Timeline", section="move",
            keys="Shift+R",
            tip="What follows on a lane goes along when clips are deleted, inserted or moved"),
    Command("timeline.nudge_left", "&Nudge left by a frame", lambda it: it.nudge(-1), menu="Timeline", section="move",
            keys="Alt+Left",
            enabled=lambda it: it.has_chosen_clips_or_point),
    Command("timeline.nudge_right", "Nudge rig&ht by a frame", lambda it: it.nudge(1), menu="Timeline",
            section="move", keys="Alt+Right",
            enabled=lambda it: it.has_chosen_clips_or_point),
    Command("timeline.marker", "Add &marker", TimelineCommands.add_marker, menu="Timeline", section="markers",
            keys="Shift+M", label="Marker"),
    Command("timeline.marker_of_object", "Add marker for the o&bject", lambda it: it.add_marker(of_object=True),
            menu="Timeline", section="markers"),
    Command("timeline.rename_marker", "&Rename marker…", TimelineCommands.ask_marker_name, menu="Timeline",
            section="markers"),
    Command("timeline.previous_marker", "&Previous marker", lambda it: it.go_to_marker(-1), menu="Timeline",
            section="markers", keys="Alt+,",
            enabled=lambda it: it.has_markers),
    Command("timeline.next_marker", "Ne&xt marker", lambda it: it.go_to_marker(1), menu="Timeline", section="markers",
            keys="Alt+.",
            enabled=lambda it: it.has_markers),
    Command("timeline.at_markers", "Place at mar&kers", TimelineCommands.place_at_markers, menu="Timeline",
            section="markers"),
    Command("timeline.fit_length", "&Timeline as long as its clips", TimelineCommands.fit_length, menu="Timeline",
            section="length",
            enabled=lambda it: it.has_clips),
)  # fmt: skip
