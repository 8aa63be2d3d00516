"""The takes of the current object: listen, star, name, compare, use."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.menus import add_commands
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.takes.compare_dialog import CompareDialog
from sounddesk.app.takes.take_pictures import TakePictures
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.take_placement import with_take_swapped

_STAR, _PICTURE, _NAME, _LENGTH, _PEAK, _SEED = range(6)
_TAKE_ID = Qt.ItemDataRole.UserRole
# What the keys of a recipe are called in the window.
_RECIPE_WORDS: Final = {"hint": "prompt", "negative_hint": "negative prompt"}
_TAKE_MENU: Final = (
    "takes.listen", "takes.use", "takes.place", "", "takes.star", "takes.rename", "takes.reuse_seed", "",
    "takes.a_b", "takes.compare",
)  # fmt: skip


class TakesPanel(QWidget):
    """All takes of the current object, oldest first; what plays on the timeline is marked.

    Signals:
        generate_requested(object_ids, variations).
        use_new_changed(on): whether new takes are to be used at once.
        audition_requested(take_id): play this take alone.
        listening_changed(takes): which takes are to be heard in place of those in use, by object id.
    """

    generate_requested = Signal(object, int)
    use_new_changed = Signal(bool)
    audition_requested = Signal(str)
    listening_changed = Signal(object)

    def __init__(
        self, document: Document, selection: SelectionModel, actions: CommandRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._filling = False
        self._listening: dict[str, str] = {}
        self._playing = False
        self._pictures = TakePictures(self)
        self._pictures.ready.connect(self._show_picture)
        self._title = PlainLabel(parent=self)
        self._list = self._make_list()
        self._variations = QSpinBox(self)
        self._variations.setRange(1, 16)
        self._variations.setPrefix(self.tr("× "))
        self._variations.setToolTip(self.tr("How many takes to make at once"))
        self._variations.setAccessibleName(self.tr("Number of takes"))
        actions.add(COMMANDS, owner=self)
        self._menu = QMenu(self)
        add_commands(self._menu, actions, _TAKE_MENU)
        buttons = QHBoxLayout()
        buttons.addWidget(command_button(QPushButton, actions, "takes.generate", self))
        buttons.addWidget(self._variations)
        buttons.addWidget(command_button(QPushButton, actions, "takes.generate_all", self))
        buttons.addStretch(1)
        buttons.addWidget(command_button(QPushButton, actions, "takes.a_b", self))
        buttons.addWidget(command_button(QPushButton, actions, "takes.compare", self))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._title)
        layout.addWidget(self._list, 1)
        layout.addLayout(buttons)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        document.take_added.connect(self._on_take_added)
        selection.objects_changed.connect(self.refresh)
        self.refresh()

    @property
    def variations(self) -> int:
        return self._variations.value()

    def set_playing(self, playing: bool) -> None:
        """Whether the timeline is heard now."""
        self._playing = playing

    def close_background(self) -> None:
        """Wait for pictures in the making."""
        self._pictures.close()

    def selected_takes(self) -> list[Take]:
        """Takes selected in the list, in its order."""
        ids = [self._list.topLevelItem(i) for i in range(self._list.topLevelItemCount())]
        chosen = [item.data(0, _TAKE_ID) for item in ids if item is not None and item.isSelected()]
        return [self._document.takes[take_id] for take_id in chosen]

    def refresh(self) -> None:
        """Show the current object's takes anew."""
        self._filling = True
        kept = {take.id for take in self.selected_takes()} if self._list.topLevelItemCount() else set()
        self._list.clear()
        object_id = self._selection.current_object_id
        if object_id is None:
            self._title.setText(self.tr("Takes: select an object"))
        else:
            takes = self._document.takes.of_object(object_id)
            name = self._document.project.object(object_id).name
            self._title.setText(self.tr("Takes of {name}").format(name=name) + f" ({len(takes)})")
            heard = self._document.takes.get(self._listening.get(object_id, ""))
            if heard is not None:
                self._title.setText(
                    self.tr("Listening to take {number}: Use keeps it, A/B goes back").format(number=heard.number)
                )
            for take in takes:
                self._list.addTopLevelItem(self._make_item(take))
            self._mark_used()
            for i in range(self._list.topLevelItemCount()):
                item = self._list.topLevelItem(i)
                if item is not None and item.data(0, _TAKE_ID) in kept:
                    item.setSelected(True)
        self._filling = False

    # ------------------------------------------------------------------ building

    def _make_list(self) -> QTreeWidget:
        tree = QTreeWidget(self)
        tree.setAccessibleName(self.tr("Takes"))
        tree.setHeaderLabels(
            ["★", self.tr("Sound"), self.tr("Name"), self.tr("Length"), self.tr("Peak"), self.tr("Seed")]
        )
        tree.setRootIsDecorated(False)
        tree.setAlternatingRowColors(True)
        tree.setUniformRowHeights(True)
        tree.setIconSize(QSize(112, 26))
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        tree.setColumnWidth(_STAR, 28)
        tree.setColumnWidth(_PICTURE, 120)
        tree.setColumnWidth(_NAME, 110)
        tree.setColumnWidth(_LENGTH, 58)
        tree.setColumnWidth(_PEAK, 70)
        tree.itemClicked.connect(self._on_clicked)
        tree.itemChanged.connect(self._on_edited)
        tree.itemSelectionChanged.connect(self._on_selected)
        tree.itemDoubleClicked.connect(lambda item, _column: self._use(item.data(0, _TAKE_ID)))
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(lambda point: self._menu.popup(tree.viewport().mapToGlobal(point)))
        return tree

    def _make_item(self, take: Take) -> QTreeWidgetItem:
        mark = self._document.project.mark_of(take.id)
        item = QTreeWidgetItem()
        item.setData(0, _TAKE_ID, take.id)
        item.setText(_STAR, "★" if mark.starred else "☆")
        item.setText(_NAME, mark.name or self.tr("Take {number}").format(number=take.number))
        item.setText(_LENGTH, f"{take.seconds:.2f} s")
        peak = float(np.abs(take.waveform).max())
        item.setText(_PEAK, f"{20 * math.log10(peak):.1f} dB" if peak > 0 else self.tr("silent"))
        item.setText(_SEED, str(take.seed))
        item.setSizeHint(_PICTURE, QSize(120, 30))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        recipe = "\n".join(
            f"{_RECIPE_WORDS.get(key, key)}: {value}" for key, value in take.recipe.items() if value is not None
        )
        for column in range(6):
            item.setToolTip(column, plain_tip("\n".join((*take.notes, recipe))))
        picture = self._pictures.picture(take)
        if picture is not None:
            item.setIcon(_PICTURE, QIcon(picture))
        return item

    # ------------------------------------------------------------------ following the document

    def _on_replaced(self) -> None:
        self._listening = {}
        self.refresh()

    def _listen_to(self, object_id: str, take_id: str) -> None:
        """Have a take heard in its lane; the one in use where it is that."""
        in_use = {clip.take_id for clip in self._document.project.clips_of(object_id)}
        others = {each: take for each, take in self._listening.items() if each != object_id}
        self._listening = others if take_id in in_use else {**others, object_id: take_id}
        self.listening_changed.emit(dict(self._listening))
        self.refresh()

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.clips is not new.clips:
            # Another take is in use, by this panel or by undo: that is what is to be heard.
            kept = {each: take for each, take in self._listening.items() if old.clips_of(each) == new.clips_of(each)}
            if kept != self._listening:
                self._listening = kept
                self.listening_changed.emit(dict(kept))
                self.refresh()
        if old.take_marks != new.take_marks or old.objects is not new.objects:
            self.refresh()
        elif old.clips is not new.clips:
            self._filling = True
            self._mark_used()
            self._filling = False

    def _on_take_added(self, take: Take) -> None:
        if take.object_id == self._selection.current_object_id:
            self.refresh()

    def _show_picture(self, take_id: str) -> None:
        for i in range(self._list.topLevelItemCount()):
            item = self._list.topLevelItem(i)
            if item is not None and item.data(0, _TAKE_ID) == take_id:
                picture = self._pictures.picture(self._document.takes[take_id])
                if picture is not None:
                    self._filling = True
                    item.setIcon(_PICTURE, QIcon(picture))
                    self._filling = False

    def _mark_used(self) -> None:
        used = {clip.take_id for clip in self._document.project.clips}
        for i in range(self._list.topLevelItemCount()):
            item = self._list.topLevelItem(i)
            if item is None:
                continue
            font = item.font(_NAME)
            font.setBold(item.data(0, _TAKE_ID) in used)
            item.setFont(_NAME, font)

    # ------------------------------------------------------------------ what the user does

    def generate(self) -> None:
        self.generate_requested.emit(list(self._selection.object_ids), self.variations)

    def generate_all(self) -> None:
        objects = [each.id for each in self._document.project.objects]
        self.generate_requested.emit(objects, self.variations)

    def _on_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _STAR:
            self._toggle_star(item.data(0, _TAKE_ID))

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        if self._filling or column != _NAME:
            if not self._filling:
                self.refresh()
            return
        take = self._document.takes[item.data(0, _TAKE_ID)]
        project = self._document.project
        default = self.tr("Take {number}").format(number=take.number)
        name = item.text(_NAME).strip()
        mark = dataclasses.replace(project.mark_of(take.id), name="" if name == default else name)
        self._document.commit(self.tr("Rename take"), project.with_mark(mark))
        self.refresh()

    def _on_selected(self) -> None:
        if not self._filling:
            chosen = self.selected_takes()
            self._selection.select_take(chosen[-1].id if chosen else None)

    def listen(self) -> None:
        for take in self.selected_takes()[:1]:
            self.audition_requested.emit(take.id)

    def _toggle_star(self, take_id: str) -> None:
        project = self._document.project
        mark = project.mark_of(take_id)
        text = self.tr("Remove star") if mark.starred else self.tr("Star take")
        self._document.commit(text, project.with_mark(dataclasses.replace(mark, starred=not mark.starred)))

    def star_selected(self) -> None:
        for take in self.selected_takes():
            self._toggle_star(take.id)

    def rename(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            self._list.editItem(item, _NAME)

    def use_new_takes(self, on: bool) -> None:
        """Whether a new take takes the place of the one in use."""
        self.use_new_changed.emit(on)

    def use_selected(self) -> None:
        """Use the take that is being listened to, else the first that is selected."""
        heard = self._listening.get(self._selection.current_object_id or "")
        for take_id in [heard] if heard else [take.id for take in self.selected_takes()[:1]]:
            self._use(take_id)

    def _use(self, take_id: str) -> None:
        """Play this take in the selected clips of its lane, else where `with_take_placed` puts it."""
        take = self._document.takes[take_id]
        project = self._document.project
        chosen = [c for c in project.clips_of(take.object_id) if c.id in self._selection.clip_ids]
        if not chosen and len(project.clips_of(take.object_id)) > 1:
            chosen = list(project.clips_of(take.object_id))
        for clip in chosen:
            project = project.with_clip(with_take_swapped(clip, take.id, take.seconds))
        if not chosen:
            project = with_take_placed(project, take.object_id, take.id, take.seconds)
        self._document.commit(self.tr("Use take {number}").format(number=take.number), project)

    def place_selected(self) -> None:
        from sounddesk.domain.timeline import Clip

        for take in self.selected_takes():
            project, clip_id = self._document.project.with_new_id("c")
            end_s = max((clip.end_s for clip in project.clips_of(take.object_id)), default=0.0)
            clip = Clip(id=clip_id, object_id=take.object_id, take_id=take.id, start_s=end_s, duration_s=take.seconds)
            self._document.commit(self.tr("Place take {number}").format(number=take.number), project.with_clip(clip))

    def switch_takes(self) -> None:
        """Listen to the other one of the two selected takes, or of the last two: in the mix while it plays, else alone.

        Nothing is changed by it: 'Use take' does that.
        """
        object_id = self._selection.current_object_id
        if object_id is None:
            return
        pair = [take.id for take in self.selected_takes()]
        if len(pair) != 2:
            pair = [take.id for take in self._document.takes.of_object(object_id)][-2:]
        clips = self._document.project.clips_of(object_id)
        if len(pair) == 2:
            now = self._listening.get(object_id, clips[0].take_id if clips else pair[1])
            other = pair[0] if now == pair[1] else pair[1]
            if clips:
                self._listen_to(object_id, other)
            if not clips or not self._playing:
                self.audition_requested.emit(other)

    def compare(self) -> None:
        takes = self.selected_takes()
        if not takes and self._selection.current_object_id is not None:
            takes = self._document.takes.of_object(self._selection.current_object_id)[-4:]
        if takes:
            CompareDialog(takes, self._document.project, self).open()

    def lock_seed(self) -> None:
        for take in self.selected_takes()[:1]:
            project = self._document.project
            changed = project.with_changed_object(take.object_id, seed=take.seed, seed_locked=True)
            self._document.commit(self.tr("Lock seed {seed}").format(seed=take.seed), changed)


COMMANDS: Final[tuple[Command[TakesPanel], ...]] = (
    Command("takes.generate", "&Generate selected", TakesPanel.generate, menu="Takes", section="generate",
            keys="Ctrl+G", label="Generate"),
    Command("takes.generate_all", "Generate &all", TakesPanel.generate_all, menu="Takes", section="generate",
            keys="Ctrl+Shift+G"),
    Command("takes.listen", "&Listen to take", TakesPanel.listen, menu="Takes", section="listen", keys="Shift+Space"),
    Command("takes.use", "&Use take on the timeline", TakesPanel.use_selected, menu="Takes", section="use",
            keys="Ctrl+U"),
    Command("takes.place", "&Place take as a new clip", TakesPanel.place_selected, menu="Takes", section="use"),
    Command("takes.star", "&Star take", TakesPanel.star_selected, menu="Takes", section="use", keys="Ctrl+Shift+F"),
    Command("takes.use_new", "Use ne&w takes at once", switch=TakesPanel.use_new_takes, menu="Takes", section="use",
            tip="Whether a new take takes the place of the one in use"),
    Command("takes.rename", "&Rename take", TakesPanel.rename, menu="Takes", section="use", keys="Shift+F2"),
    Command("takes.reuse_seed", "Loc&k the object to this seed", TakesPanel.lock_seed, menu="Takes", section="use"),
    Command("takes.a_b", "A/&B: the other take", TakesPanel.switch_takes, menu="Takes", section="compare",
            keys="Ctrl+B", label="A/B"),
    Command("takes.compare", "Compare sp&ectrograms", TakesPanel.compare, menu="Takes", section="compare",
            label="Compare"),
)  # fmt: skip
