"""The takes of the current object: listen, star, name, compare, use."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.menus import add_commands
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.icons import accent_icon
from sounddesk.app.look.spin_boxes import SpinBox
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.preset_box import preset_title
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.takes.compare_dialog import CompareDialog
from sounddesk.app.takes.generate_button import GenerateButton
from sounddesk.app.takes.take_list import TakeList
from sounddesk.app.takes.take_pictures import TakePictures
from sounddesk.app.takes.takes_panel_commands import COMMANDS
from sounddesk.app.takes.takes_panel_commands import GENERATE_MENU
from sounddesk.app.takes.takes_panel_commands import TAKE_MENU
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.take_placement import with_take_swapped

# What of a recipe is shown, under which words.
_RECIPE_WORDS: Final = (
    ("file", "{}"), ("preset", "{}"), ("steps", "{} steps"), ("guidance", "guidance {}"), ("bundle", "bundle {}"),
    ("how", "{}"), ("source_take", "from take {}"), ("strength", "strength {}"), ("seed", "seed {}"),
    ("drawn_seed", "drawn from {}"),
    ("hint", "prompt \u201c{}\u201d"), ("negative_hint", "not \u201c{}\u201d"),
)  # fmt: skip


class TakesPanel(QWidget):
    """All takes of the current object, oldest first; what plays on the timeline is marked.

    Signals:
        generate_requested(object_ids, variations).
        use_new_changed(on): whether new takes are to be used at once.
        audition_requested(take_id): play this take alone. stop_requested(): be quiet.
        rework_requested(take_id, page): ask what is to be made from this take (a name in `REWORKS`).
        listening_changed(takes): which takes are to be heard in place of those in use, by object id.
    """

    generate_requested = Signal(object, int)
    use_new_changed = Signal(bool)
    audition_requested = Signal(str)
    stop_requested = Signal()
    rework_requested = Signal(str, str)
    listening_changed = Signal(object)

    def __init__(
        self, document: Document, selection: SelectionModel, actions: CommandRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._actions = actions
        self._listening: dict[str, str] = {}
        self._making: Mapping[str, float] = {}
        self._playing = False
        self._pictures = TakePictures(self)
        self._pictures.ready.connect(lambda _take_id: self._list.viewport().update())
        self._title = PlainLabel(parent=self)
        self._title.setWordWrap(True)
        self._list: TakeList = self._make_list()
        self._recipe = PlainLabel(parent=self)
        self._recipe.setWordWrap(True)
        self._recipe.setProperty("role", "small")
        self._variations = SpinBox(self)
        self._variations.setRange(1, 16)
        self._variations.setPrefix(self.tr("× "))
        self._variations.setToolTip(self.tr("How many takes to make at once"))
        self._variations.setAccessibleName(self.tr("Number of takes"))
        actions.add(COMMANDS, owner=self)
        self._menu = QMenu(self)
        add_commands(self._menu, actions, TAKE_MENU)
        self._generate = command_button(GenerateButton, actions, "takes.generate", self)
        self._generate.setProperty("accent", True)
        self._generate.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._generate.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        more = QMenu(self._generate)
        add_commands(more, actions, GENERATE_MENU)
        self._generate.setMenu(more)
        buttons = QHBoxLayout()
        buttons.addWidget(self._generate)
        buttons.addWidget(self._variations)
        buttons.addStretch(1)
        buttons.addWidget(command_button(QPushButton, actions, "takes.a_b", self))
        buttons.addWidget(command_button(QPushButton, actions, "takes.compare", self))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._title)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._recipe)
        layout.addLayout(buttons)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        document.take_added.connect(self._on_take_added)
        selection.objects_changed.connect(self.refresh)
        self._show_icons()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_icons()

    def _show_icons(self) -> None:
        self._generate.setIcon(accent_icon("generate"))

    @property
    def variations(self) -> int:
        return self._variations.value()

    def set_playing(self, playing: bool, *, alone: str = "") -> None:
        """Whether anything is heard now; `alone`: the take that is, where it is not the timeline."""
        self._playing = playing
        self._list.show_playing(alone)

    @property
    def has_objects(self) -> bool:
        """Whether there is anything to generate."""
        return bool(self._document.project.objects)

    @property
    def has_take(self) -> bool:
        """Whether a take is selected."""
        return bool(self._list.selected_ids)

    @property
    def is_listening(self) -> bool:
        """Whether another take than the one in use is heard."""
        return (self._selection.current_object_id or "") in self._listening

    @property
    def n_takes(self) -> int:
        """Of the current object."""
        return self._list.count()

    def close_background(self) -> None:
        """Wait for pictures in the making."""
        self._pictures.close()

    def selected_takes(self) -> list[Take]:
        """Takes selected in the list, in its order."""
        return [self._document.takes[take_id] for take_id in self._list.selected_ids]

    def refresh(self) -> None:
        """Show the current object's takes anew."""
        object_id = self._selection.current_object_id
        project = self._document.project
        takes = [] if object_id is None else self._document.takes.of_object(object_id)
        heard = "" if object_id is None else self._listening.get(object_id, "")
        in_use = {clip.take_id for clip in project.clips}
        self._list.show_takes([(take, project.mark_of(take.id)) for take in takes], in_use=in_use, heard=heard)
        self._show_texts()
        self._show_recipe()
        self._actions.refresh()

    def _title_of(self, object_id: str | None, count: int, heard: str) -> str:
        if object_id is None:
            return self.tr("No object is selected")
        name = self._document.project.object(object_id).name
        if heard:
            number = self._document.takes[heard].number
            return self.tr("Listening to take {number}: Use keeps it, A/B goes back.").format(number=number)
        if count == 0 and object_id not in self._making:
            return self.tr("{name} has no takes yet").format(name=name)
        counted = self.tr("1 take") if count == 1 else self.tr("{count} takes").format(count=count) if count else ""
        coming = self.tr("making a take…") if object_id in self._making else ""
        return f"{name}: " + ", ".join(each for each in (counted, coming) if each)

    def show_making(self, shares: Mapping[str, float]) -> None:
        """Takes of which objects are being made, and how far they are."""
        was, self._making = self._making, dict(shares)
        if set(was) != set(shares):
            self._show_texts()

    def _show_texts(self) -> None:
        """The line above the cards, and what stands in their place where there are none."""
        object_id = self._selection.current_object_id
        takes = [] if object_id is None else self._document.takes.of_object(object_id)
        heard = "" if object_id is None else self._listening.get(object_id, "")
        self._title.setText(self._title_of(object_id, len(takes), heard))
        keys = self._actions["takes.generate"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        every = object_id is None and self.has_objects
        self._generate.show_scope(every=every)
        if every:
            text = self.tr("Generate all ({keys}) makes a sound for every object.").format(keys=keys)
        elif object_id is None:
            text = self.tr("The sounds of the selected object are listed here.")
        elif object_id in self._making:
            text = self.tr("The take is on its way.")
        else:
            text = self.tr("Generate ({keys}) makes a sound for it.").format(keys=keys)
        self._list.set_empty_text(text)

    def _show_recipe(self) -> None:
        """How the current take was made."""
        take_id = self._list.current_id
        take = None if take_id is None else self._document.takes.get(take_id)
        recipe = {} if take is None else take.recipe
        if recipe.get("preset"):
            recipe = {**recipe, "preset": preset_title(str(recipe["preset"]))}
        words = [text.format(recipe[key]) for key, text in _RECIPE_WORDS if recipe.get(key) not in (None, "")]
        told = " · ".join(words)
        self._recipe.setText(told[:1].upper() + told[1:])
        self._recipe.setVisible(bool(words))

    # ------------------------------------------------------------------ building

    def _make_list(self) -> TakeList:
        made = TakeList(self._picture_of, self)
        made.play_requested.connect(self.audition_requested)
        made.stop_requested.connect(self.stop_requested)
        made.use_requested.connect(self._use)
        made.star_requested.connect(self._toggle_star)
        made.renamed.connect(self._rename)
        made.itemSelectionChanged.connect(self._on_selected)
        made.currentItemChanged.connect(lambda *_: self._show_recipe())
        made.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        made.customContextMenuRequested.connect(lambda point: self._menu.popup(made.viewport().mapToGlobal(point)))
        return made

    def _picture_of(self, take_id: str) -> QPixmap | None:
        take = self._document.takes.get(take_id)
        return None if take is None else self._pictures.picture(take)

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
        used = [{clip.take_id for clip in each.clips} for each in (old, new)]
        if old.take_marks != new.take_marks or old.objects is not new.objects or used[0] != used[1]:
            self.refresh()

    def _on_take_added(self, take: Take) -> None:
        if take.object_id == self._selection.current_object_id:
            self.refresh()

    # ------------------------------------------------------------------ what the user does

    def generate(self) -> None:
        """Make takes for what is selected, for all where nothing is: the next step is always one press away."""
        if not self._selection.object_ids:
            self.generate_all()
            return
        self.generate_requested.emit(list(self._selection.object_ids), self.variations)

    def generate_all(self) -> None:
        objects = [each.id for each in self._document.project.objects]
        self.generate_requested.emit(objects, self.variations)

    def _rename(self, take_id: str, text: str) -> None:
        take, project = self._document.takes[take_id], self._document.project
        default = self.tr("Take {number}").format(number=take.number)
        name = text.strip()
        mark = dataclasses.replace(project.mark_of(take.id), name="" if name == default else name)
        self._document.commit(self.tr("Rename take"), project.with_mark(mark))
        # In a turn of its own: the list is in the middle of its edit.
        QTimer.singleShot(0, self, self.refresh)

    def _on_selected(self) -> None:
        if not self._list.is_filling():
            chosen = self.selected_takes()
            self._selection.select_take(chosen[-1].id if chosen else None)
            self._actions.refresh()

    def listen(self) -> None:
        for take in self.selected_takes()[:1]:
            self.audition_requested.emit(take.id)

    def rework(self, page: str) -> None:
        for take in self.selected_takes()[:1]:
            self.rework_requested.emit(take.id, page)

    def _toggle_star(self, take_id: str) -> None:
        project = self._document.project
        mark = project.mark_of(take_id)
        text = self.tr("Remove star") if mark.starred else self.tr("Star take")
        self._document.commit(text, project.with_mark(dataclasses.replace(mark, starred=not mark.starred)))

    def star_selected(self) -> None:
        for take in self.selected_takes():
            self._toggle_star(take.id)

    def rename(self) -> None:
        self._list.edit_current()

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
            try:
                changed = project.with_changed_object(take.object_id, seed=take.seed, seed_locked=True)
            except ValueError as error:
                notifier.refused(error)
                return
            self._document.commit(self.tr("Lock seed {seed}").format(seed=take.seed), changed)
