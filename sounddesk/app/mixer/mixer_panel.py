"""Faders, pan, mute, solo, polarity and meters, one strip per object, and the master."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.open_once import open_once
from sounddesk.app.mixer.bus_strip import GroupStrip
from sounddesk.app.mixer.bus_strip import ReverbStrip
from sounddesk.app.mixer.equalizer_dialog import EqualizerDialog
from sounddesk.app.mixer.level_meter import LoudnessPanel
from sounddesk.app.mixer.reverb_dialog import ReverbDialog
from sounddesk.app.mixer.strip import Strip
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.audio.playback.playback_levels import MASTER
from sounddesk.audio.playback.playback_levels import LaneLevel
from sounddesk.audio.timeline_mix import REVERB
from sounddesk.domain.fader_groups import with_group_of
from sounddesk.domain.fader_groups import without_group
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.project import Project


class MixerPanel(QWidget):
    """Signals: levels_requested()."""

    levels_requested = Signal()

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        player: Player,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self.strips: dict[str, Strip] = {}
        self._row = QHBoxLayout()
        self._row.setSpacing(2)
        self.groups: dict[str, GroupStrip] = {}
        self._buses = QHBoxLayout()
        self._buses.setSpacing(2)
        self.reverb = ReverbStrip(document, self)
        self.reverb.settings_requested.connect(self.show_reverb)
        self._buses.addWidget(self.reverb)
        # Behind the lanes and scrolled with them: only the master is always in sight.
        self._row.addLayout(self._buses)
        self._empty = PlainLabel(self.tr("Each object gets a strip with a fader."), self)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._row.addWidget(self._empty, 100)
        self._row.addStretch(1)
        inner = QWidget(self)
        inner.setLayout(self._row)
        self._row.setContentsMargins(0, 0, 0, 0)
        self.master = Strip(document, None, self)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        # Strips are scrolled sideways alone: their faders shrink first, and the panel is never lower than they need.
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = scroll.horizontalScrollBar().sizeHint().height()
        scroll.setMinimumHeight(self.master.minimumSizeHint().height() + bar)
        actions.add(COMMANDS, owner=self)
        buttons = QVBoxLayout()
        for command_id in ("mixer.balance", "mixer.pan"):
            button = command_button(QToolButton, actions, command_id, self)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        self.loudness = LoudnessPanel(self)
        # A column of its own, as narrow as it can be: the strips need the width.
        right = QVBoxLayout()
        right.addLayout(buttons)
        right.addStretch(1)
        right.addWidget(self.loudness)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.master)
        layout.addLayout(right)
        # One strip a turn of the event loop: a strip takes some 8 ms to make, and a scene may have twenty.
        self._next_strip = QTimer(self)
        self._next_strip.setInterval(0)
        self._next_strip.timeout.connect(self._make_next_strip)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        selection.objects_changed.connect(self._show_selection)
        player.levels_changed.connect(self._show_levels)
        player.playing_changed.connect(self._on_playing)
        player.loudness_changed.connect(self.loudness.show_reading)
        self.loudness.reset_requested.connect(player.reset_loudness)
        self._rebuild()

    def _on_changed(self, old: Project, new: Project) -> None:
        if [o.id for o in old.objects] != [o.id for o in new.objects]:
            self._rebuild()
        else:
            for before, after in zip(old.objects, new.objects, strict=True):
                if before is not after and after.id in self.strips:
                    self.strips[after.id].refresh()
            if old.master != new.master:
                self.master.refresh()
        self._show_buses()

    def _on_replaced(self) -> None:
        # Objects of another project may have the same ids, and so the same strips.
        for strip in (*self.strips.values(), self.master):
            strip.meter.forget()
        self._rebuild()

    def _rebuild(self) -> None:
        """Drop strips of objects that are gone, show the others' values, and make those that are missing."""
        order = [each.id for each in self._document.project.objects]
        for object_id in [each for each in self.strips if each not in order]:
            strip = self.strips.pop(object_id)
            self._row.removeWidget(strip)
            strip.hide()
            strip.deleteLater()
        self.strips = {each: self.strips[each] for each in order if each in self.strips}
        for index, strip in enumerate(self.strips.values()):
            if self._row.indexOf(strip) != index:
                self._row.removeWidget(strip)
                self._row.insertWidget(index, strip)
            strip.refresh()
        self.master.refresh()
        self._show_buses()
        self._empty.setVisible(not order)
        if len(self.strips) < len(order):
            self._next_strip.start()

    def _show_buses(self) -> None:
        """The strips of groups, and of the reverb where something is sent to it."""
        project = self._document.project
        wanted = [group.id for group in project.master.groups]
        for group_id in [each for each in self.groups if each not in wanted]:
            strip = self.groups.pop(group_id)
            self._buses.removeWidget(strip)
            strip.hide()
            strip.deleteLater()
        for group_id in wanted:
            if group_id not in self.groups:
                made = GroupStrip(self._document, group_id, self)
                made.chosen.connect(lambda group_id=group_id: self._select_group(group_id))
                self.groups[group_id] = made
                self._buses.insertWidget(len(self.groups) - 1, made)
            self.groups[group_id].refresh()
        self.reverb.refresh()
        self.reverb.setVisible(any(each.strip.send_db > FADER_BOTTOM_DB for each in project.objects))

    def _select_group(self, group_id: str) -> None:
        members = [each.id for each in self._document.project.objects if each.strip.group_id == group_id]
        self._selection.select_objects(members)

    def _make_next_strip(self) -> None:
        order = [each.id for each in self._document.project.objects]
        missing = next((each for each in order if each not in self.strips), None)
        if missing is None:
            self._next_strip.stop()
            return
        strip = Strip(self._document, missing, self)
        strip.chosen.connect(lambda missing=missing: self._selection.select_objects([missing]))
        strip.equalizer_requested.connect(lambda missing=missing: self.show_equalizer(missing))
        strip.show_selected(missing in self._selection.object_ids)
        made = {**self.strips, missing: strip}
        self.strips = {each: made[each] for each in order if each in made}
        self._row.insertWidget(list(self.strips).index(missing), made[missing])

    def _show_selection(self) -> None:
        for object_id, strip in self.strips.items():
            strip.show_selected(object_id in self._selection.object_ids)

    def _show_levels(self, levels: dict[str, LaneLevel]) -> None:
        for object_id, strip in self.strips.items():
            strip.show_level(levels.get(object_id))
        self.master.show_level(levels.get(MASTER))
        if self.reverb.meter is not None:
            self.reverb.meter.show_level(levels.get(REVERB))

    def _on_playing(self, playing: bool) -> None:
        if not playing:
            for strip in (*self.strips.values(), self.master):
                strip.rest()

    @property
    def has_objects(self) -> bool:
        return bool(self._document.project.objects)

    @property
    def has_selection(self) -> bool:
        return bool(self._selection.object_ids)

    def ask_to_match_levels(self) -> None:
        """Have the faders set so that the stems add up like a blend of the same objects."""
        self.levels_requested.emit()

    def toggle(self, field: str) -> None:
        """Mute or solo the selected objects, or no longer: `field` is 'muted' or 'soloed'."""
        project = self._document.project
        for object_id in self._selection.object_ids:
            project = project.with_strip(object_id, **{field: not getattr(project.object(object_id).strip, field)})
        self._document.commit(self.tr("Mute") if field == "muted" else self.tr("Solo"), project)

    def show_equalizer(self, object_id: str | None = None) -> None:
        """The equalizer of a strip, else of the selected object's, in a window of its own; each strip has one."""
        object_id = object_id or self._selection.current_object_id
        if object_id is None:
            return
        wanted = object_id
        open_once(
            self,
            EqualizerDialog,
            lambda: EqualizerDialog(self._document, wanted, self),
            same=lambda it: it.object_id == wanted,
        )

    def show_reverb(self) -> None:
        """The room of the reverb, in a window of its own."""
        open_once(self, ReverbDialog, lambda: ReverbDialog(self._document, self))

    def group(self) -> None:
        """One more fader for the selected strips."""
        chosen = self._selection.object_ids
        if len(chosen) < 2:
            notifier.warning(self.tr("A group needs two objects or more: select them with Ctrl first."))
            return
        project = with_group_of(self._document.project, chosen, name=self.tr("group"))
        self._document.commit(self.tr("Group faders"), project)

    def ungroup(self) -> None:
        """The selected strips leave their groups and stay as loud as they are."""
        project = without_group(self._document.project, self._selection.object_ids)
        self._document.commit(self.tr("Ungroup faders"), project)

    @property
    def has_grouped_selection(self) -> bool:
        project = self._document.project
        known = {each.id: each for each in project.objects}
        return any(project.group(known[each].strip.group_id) for each in self._selection.object_ids if each in known)

    def pan_from_position(self) -> None:
        """Each object's pan from where its mask lies in the image, as one step that can be undone."""
        project = self._document.project
        for each in project.objects:
            box = each.mask.bounding_box
            if each.kind == "object" and box is not None:
                middle = (box.left + box.right) / 2 / each.mask.width
                project = project.with_strip(each.id, pan=round(2 * middle - 1, 2))
        self._document.commit(self.tr("Pan from position"), project)


COMMANDS: Final[tuple[Command[MixerPanel], ...]] = (
    Command("mixer.mute", "M&ute objects", lambda it: it.toggle("muted"), menu="Mixer", section="strips", keys="M",
            enabled=lambda it: it.has_selection),
    Command("mixer.solo", "&Solo objects", lambda it: it.toggle("soloed"), menu="Mixer", section="strips", keys="S",
            enabled=lambda it: it.has_selection),
    Command("mixer.equalizer", "&Equalizer…", MixerPanel.show_equalizer, menu="Mixer", section="effects",
            keys="Ctrl+Shift+E",
            enabled=lambda it: it.has_selection),
    Command("mixer.reverb", "&Reverb…", MixerPanel.show_reverb, menu="Mixer", section="effects"),
    Command("mixer.group", "&Group faders of objects", MixerPanel.group, menu="Mixer", section="groups",
            enabled=lambda it: it.has_selection),
    Command("mixer.ungroup", "U&ngroup faders of objects", MixerPanel.ungroup, menu="Mixer", section="groups",
            enabled=lambda it: it.has_grouped_selection),
    Command("mixer.balance", "&Match levels to the scene", MixerPanel.ask_to_match_levels, menu="Mixer",
            section="scene", label="Match levels",
            tip="Set the faders so that the stems add up like the scene as a whole"),
    Command("mixer.pan", "&Pan from position", MixerPanel.pan_from_position, menu="Mixer", section="scene",
            label="Pan by position", tip="Pan each object to where it is in the image",
            enabled=lambda it: it.has_objects),
)  # fmt: skip
