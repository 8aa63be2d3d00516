"""What menus and keys do with the timeline: transport, clips, markers."""

from __future__ import annotations

import dataclasses
from typing import Final

from PySide6.QtCore import QObject
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
from sounddesk.audio.loudest_event import loudest_event_s
from sounddesk.domain.clip_edits import with_clip_at_markers
from sounddesk.domain.clip_edits import with_clips_duplicated
from sounddesk.domain.clip_edits import with_clips_pasted
from sounddesk.domain.clip_edits import with_length_of_clips
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker
from sounddesk.domain.timeline import resized
from sounddesk.domain.timeline import split

MAX_CLIP_GAIN_DB: Final = 24.0


class TimelineCommands(QObject):
    """Carries out the commands below."""

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
        self._player = player
        self._panel = panel
        self.chosen_marker = ""
        actions.add(COMMANDS, owner=self)
        selection.clips_changed.connect(actions.refresh)
        document.changed.connect(lambda _old, _new: actions.refresh())
        document.replaced.connect(actions.refresh)
        player.loop_changed.connect(lambda: actions["transport.loop"].setChecked(player.is_looping))

    # ------------------------------------------------------------------ transport

    def _end_s(self) -> float:
        return self._document.project.settings.timeline_s

    def play_or_stop(self) -> None:
        self._player.toggle()

    def stop(self) -> None:
        self._player.stop_by_hand()

    def to_start(self) -> None:
        self._player.seek(0.0)

    def to_end(self) -> None:
        self._player.seek(self._end_s())

    def jump(self, seconds: float) -> None:
        self._player.seek(min(self._player.position_s + seconds, self._end_s()))

    def step_frames(self, frames: int) -> None:
        rate = self._document.project.settings.timecode_rate
        self._player.seek(rate.time_of(max(0, rate.frame_at(self._player.position_s) + frames)))

    def toggle_loop(self) -> None:
        """Loop the range, or stop looping it; where none was drawn, the selected clips, or else everything."""
        player = self._player
        if player.is_looping:
            player.set_looping(False)
        elif player.loop_s is not None:
            player.set_looping(True)
        else:
            player.set_loop(self._span(self._chosen()) or (0.0, self._end_s()))

    def loop_selected_clips(self) -> None:
        span = self._span(self._chosen())
        if span is None:
            notifier.warning(self.tr("No clip is selected: click on one first."))
        else:
            self._player.set_loop(span)

    @property
    def has_clips(self) -> bool:
        return bool(self._document.project.clips)

    @property
    def has_chosen_clips(self) -> bool:
        return bool(self._selection.clip_ids)

    @property
    def has_markers(self) -> bool:
        return bool(self._document.project.markers)

    @staticmethod
    def _span(clips: list[Clip]) -> tuple[float, float] | None:
        return (min(c.start_s for c in clips), max(c.end_s for c in clips)) if clips else None

    # ------------------------------------------------------------------ clips

    def _chosen(self) -> list[Clip]:
        return [self._document.project.clip(each) for each in self._selection.clip_ids]

    def split(self) -> None:
        """Cut the selected clips under the playhead; where none of them lies there, all that do."""
        project = self._document.project
        at_s = self._player.position_s
        under = [clip for clip in project.clips if clip.start_s + 0.011 < at_s < clip.end_s - 0.011]
        # The selected ones alone, where they lie there: after a split the left part is selected, and has been left.
        under = [clip for clip in under if clip.id in self._selection.clip_ids] or under
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
        project = self._document.project
        if self._selection.clip_ids:
            self._document.commit(self.tr("Delete clips"), project.without_clips(self._selection.clip_ids))
        elif any(marker.id == self.chosen_marker for marker in project.markers):
            self._document.commit(self.tr("Delete marker"), project.without_markers([self.chosen_marker]))
            self.chosen_marker = ""

    def copy(self) -> None:
        clips = self._chosen()
        if clips:
            copy_clips(clips)

    def cut(self) -> None:
        if self._selection.clip_ids:
            self.copy()
            project = self._document.project.without_clips(self._selection.clip_ids)
            self._document.commit(self.tr("Cut clips"), project)

    def paste(self) -> None:
        """Clips from the clipboard, the first of them at the playhead."""
        clips = clips_on_the_clipboard(self._document.project, self._document.takes)
        if not clips:
            notifier.warning(self.tr("There are no clips of this project in the clipboard: copy some first."))
            return
        project, made = with_clips_pasted(self._document.project, clips, at_s=self._player.position_s)
        self._commit_made(self.tr("Paste clips"), project, made)

    def duplicate(self) -> None:
        if self._selection.clip_ids:
            project, made = with_clips_duplicated(self._document.project, self._selection.clip_ids)
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
        project = self._document.project
        for clip in self._chosen():
            start_s = max(0.0, clip.start_s + project.settings.timecode_rate.time_of(frames))
            project = project.with_clip(dataclasses.replace(clip, start_s=start_s))
        self._document.commit(self.tr("Nudge clips"), with_room_for_clips(project), merge_key="nudge")

    def change_gain(self, step_db: float) -> None:
        """The selected clips louder or softer, from -60 to 24 dB."""
        project = self._document.project
        for clip in self._chosen():
            gain_db = min(MAX_CLIP_GAIN_DB, max(-60.0, clip.gain_db + step_db))
            project = project.with_clip(dataclasses.replace(clip, gain_db=gain_db))
        self._document.commit(self.tr("Clip gain"), project, merge_key="clip gain")

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
        sounding = take.waveform[first : first + max(1, round(pattern.duration_s * take.sample_rate_hz))]
        begin_s, peak_s, end_s = loudest_event_s(sounding, sample_rate_hz=take.sample_rate_hz)
        if not pattern.looped:
            pattern = resized(
                pattern, start_s=pattern.start_s + begin_s, end_s=pattern.start_s + min(end_s, pattern.duration_s)
            )
            peak_s -= begin_s
        try:
            project = with_clip_at_markers(project, pattern, peak_s=min(peak_s, pattern.duration_s))
        except ValueError as error:
            notifier.warning(str(error))
            return
        self._document.commit(self.tr("Place at markers"), with_room_for_clips(project))


COMMANDS: Final[tuple[Command[TimelineCommands], ...]] = (
    Command("transport.play", "&Play or stop", TimelineCommands.play_or_stop, menu="Transport", section="play",
            keys="Space"),
    Command("transport.stop", "S&top", TimelineCommands.stop, menu="Transport", section="play", keys="K"),
    Command("transport.start", "To the &start", TimelineCommands.to_start, menu="Transport", section="go", keys="Home"),
    Command("transport.end", "To the &end", TimelineCommands.to_end, menu="Transport", section="go", keys="End"),
    Command("transport.back", "&Back one second", lambda it: it.jump(-1.0), menu="Transport", section="go", keys="J"),
    Command("transport.forward", "&Forward one second", lambda it: it.jump(1.0), menu="Transport", section="go",
            keys="L"),
    Command("transport.frame_back", "Back &one frame", lambda it: it.step_frames(-1), menu="Transport", section="go",
            keys=","),
    Command("transport.frame_forward", "Forward o&ne frame", lambda it: it.step_frames(1), menu="Transport",
            section="go", keys="."),
    Command("transport.loop", "&Loop range", switch=lambda it, _on: it.toggle_loop(), menu="Transport", section="loop",
            keys="Shift+L"),
    Command("transport.loop_clips", "Loop the selected &clips", TimelineCommands.loop_selected_clips, menu="Transport",
            section="loop", keys="Alt+L"),
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
    Command("timeline.loop", "&Loop clips", TimelineCommands.toggle_clip_loops, menu="Timeline", section="clips",
            keys="Ctrl+L",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.louder", "Clip l&ouder by 1 dB", lambda it: it.change_gain(1.0), menu="Timeline",
            section="clips", keys="Alt+Up",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.softer", "Clip so&fter by 1 dB", lambda it: it.change_gain(-1.0), menu="Timeline",
            section="clips", keys="Alt+Down",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.nudge_left", "&Nudge left by a frame", lambda it: it.nudge(-1), menu="Timeline", section="move",
            keys="Alt+Left",
            enabled=lambda it: it.has_chosen_clips),
    Command("timeline.nudge_right", "Nudge ri&ght by a frame", lambda it: it.nudge(1), menu="Timeline",
            section="move", keys="Alt+Right",
            enabled=lambda it: it.has_chosen_clips),
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
