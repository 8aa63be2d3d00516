"""The list of objects: names, colours, order, and what can be done with whole objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import QModelIndex
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QInputDialog
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.menus import add_commands
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.objects.object_inspector import INSPECTOR_KEYS
from sounddesk.app.objects.object_inspector import ObjectInspector
from sounddesk.app.objects.object_inspector import guess_text
from sounddesk.app.objects.object_list import LOCKED
from sounddesk.app.objects.object_list import NAME
from sounddesk.app.objects.object_list import VISIBLE
from sounddesk.app.objects.object_list import ObjectList
from sounddesk.app.objects.objects_panel_commands import COMMANDS
from sounddesk.app.objects.objects_panel_commands import OBJECT_MENU
from sounddesk.app.objects.row_delegates import COUNT_ROLE
from sounddesk.app.objects.row_delegates import SHARE_ROLE
from sounddesk.app.objects.thumbnails import Thumbnails
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.background import Background
from sounddesk.domain.mask_edits import inverted
from sounddesk.domain.mask_edits import united
from sounddesk.domain.object_naming import with_typed_name
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.scene import free_name
from sounddesk.domain.scene import name_key
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.tiled_mask import TiledMask

_OBJECT_ID = Qt.ItemDataRole.UserRole
FilterKind = Literal["grow", "shrink", "feather"]


class ObjectsPanel(QWidget):
    """Signals: blend_requested(object_ids)."""

    blend_requested = Signal(object)

    def __init__(
        self, document: Document, selection: SelectionModel, actions: CommandRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._filling = False
        self._background = Background(self, name="the mask filter")
        self._background.done.connect(self._filtered)
        self._background.failed.connect(lambda _key, error: notifier.failed(error))
        self._thumbnails = Thumbnails(self)
        self._thumbnails.ready.connect(self._show_thumbnail)
        self._list = self._make_list()
        actions.add(COMMANDS, owner=self)
        actions.reserve(INSPECTOR_KEYS)
        self.menu = QMenu(self)
        add_commands(self.menu, actions, OBJECT_MENU)
        self._inspector = ObjectInspector(document, selection, self)
        buttons = QHBoxLayout()
        for command_id in ("objects.add_ambience", "objects.blend", "objects.duplicate", "objects.delete"):
            buttons.addWidget(command_button(QToolButton, actions, command_id, self))
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._list, 1)
        layout.addLayout(buttons)
        layout.addWidget(self._inspector)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        document.take_added.connect(lambda _take: self.refresh())
        selection.objects_changed.connect(self._show_selection)
        selection.objects_changed.connect(actions.refresh)
        self.refresh()

    @property
    def n_selected(self) -> int:
        """How many objects are selected."""
        return len(self._selection.object_ids)

    def put_on_top(self, field: QWidget) -> None:
        """Show a field above the list."""
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(0, field)

    def close_background(self) -> None:
        self._background.close()
        self._thumbnails.close()

    def refresh(self) -> None:
        """Show the project's objects as they are now.

        Rows stay as long as the objects are the same ones: Qt goes on with the row that a click has changed after it
        has told of the change.
        """
        objects = self._document.project.objects
        self._filling = True
        if [item.data(0, _OBJECT_ID) for item in self._items()] != [each.id for each in objects]:
            self._list.clear()
            for each in objects:
                item = QTreeWidgetItem()
                item.setData(0, _OBJECT_ID, each.id)
                item.setFlags((item.flags() | Qt.ItemFlag.ItemIsEditable) & ~Qt.ItemFlag.ItemIsDropEnabled)
                self._list.addTopLevelItem(item)
        for item, each in zip(self._items(), objects, strict=True):
            self._show_object(item, each)
        self._filling = False
        self._show_selection()

    def _show_object(self, item: QTreeWidgetItem, each: SceneObject) -> None:
        item.setText(NAME, each.name)
        item.setIcon(NAME, self._thumbnails.icon_of(each, self._document.image))
        item.setCheckState(VISIBLE, Qt.CheckState.Checked if each.visible else Qt.CheckState.Unchecked)
        item.setCheckState(LOCKED, Qt.CheckState.Checked if each.locked else Qt.CheckState.Unchecked)
        item.setToolTip(VISIBLE, self.tr("Hide its mask in the image") if each.visible else self.tr("Show its mask"))
        item.setToolTip(
            LOCKED, self.tr("Unlock: allow changes") if each.locked else self.tr("Lock: nothing can change it")
        )
        kinds = {"object": "", "ambience": self.tr("ambience"), "blend": self.tr("blend")}
        count = len(self._document.takes.of_object(each.id))
        counted = self.tr("1 take") if count == 1 else self.tr("{count} takes").format(count=count) if count else ""
        item.setData(NAME, COUNT_ROLE, count)
        item.setData(NAME, Qt.ItemDataRole.AccessibleTextRole, ", ".join(part for part in (each.name, counted) if part))
        told = (kinds[each.kind] or guess_text(each), counted)
        item.setToolTip(NAME, plain_tip("\n".join(part for part in told if part)))
        font = item.font(NAME)
        font.setItalic(each.kind != "object" or each.named_by == "guess")
        item.setFont(NAME, font)

    def show_making(self, shares: Mapping[str, float]) -> None:
        """How far the takes are that are being made, from 0 to 1 by the id of the object."""
        self._filling = True
        for item in self._items():
            item.setData(NAME, SHARE_ROLE, shares.get(item.data(0, _OBJECT_ID)))
        self._filling = False

    # ------------------------------------------------------------------ building

    def _make_list(self) -> QTreeWidget:
        tree = ObjectList(self)
        tree.delete_pressed.connect(self.delete)
        tree.escape_pressed.connect(lambda: self._selection.select_objects(()))
        tree.itemChanged.connect(self._on_edited)
        tree.itemSelectionChanged.connect(self._on_selected)
        tree.model().rowsInserted.connect(self._on_moved)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(lambda point: self.menu.popup(tree.viewport().mapToGlobal(point)))
        return tree

    # ------------------------------------------------------------------ following the document

    def _on_changed(self, old: Project, new: Project) -> None:
        def looks(project: Project) -> list[tuple[object, ...]]:
            return [
                (o.id, o.name, o.colour, o.visible, o.locked, id(o.mask), o.named_by, o.guess) for o in project.objects
            ]

        if looks(old) != looks(new):
            self.refresh()

    def _show_thumbnail(self, object_id: str) -> None:
        self._filling = True
        for item in self._items():
            if item.data(0, _OBJECT_ID) == object_id:
                item.setIcon(
                    NAME, self._thumbnails.icon_of(self._document.project.object(object_id), self._document.image)
                )
        self._filling = False

    def _on_replaced(self) -> None:
        self._thumbnails.forget()
        self.refresh()

    def _items(self) -> list[QTreeWidgetItem]:
        found = (self._list.topLevelItem(i) for i in range(self._list.topLevelItemCount()))
        return [item for item in found if item is not None]

    def _show_selection(self) -> None:
        self._filling = True
        chosen = set(self._selection.object_ids)
        for item in self._items():
            item.setSelected(item.data(0, _OBJECT_ID) in chosen)
            if item.data(0, _OBJECT_ID) == self._selection.current_object_id:
                self._list.scrollToItem(item)
        self._filling = False

    # ------------------------------------------------------------------ what the user does

    def _on_selected(self) -> None:
        if self._filling:
            return
        chosen = [item.data(0, _OBJECT_ID) for item in self._list.selectedItems()]
        current = self._list.currentItem()
        if current is not None and current.isSelected():
            current_id = current.data(0, _OBJECT_ID)
            chosen = [each for each in chosen if each != current_id] + [current_id]
        self._selection.select_objects(chosen)

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        if self._filling:
            return
        project = self._document.project
        found = project.object(item.data(0, _OBJECT_ID))
        on = item.checkState(column) == Qt.CheckState.Checked
        if column == NAME:
            self._set_name(found, item.text(NAME))
        elif column == VISIBLE:
            text = self.tr("Show {name}") if on else self.tr("Hide {name}")
            self._document.commit(text.format(name=found.name), project.with_changed_object(found.id, visible=on))
        else:
            text = self.tr("Lock {name}") if on else self.tr("Unlock {name}")
            self._document.commit(text.format(name=found.name), project.with_changed_object(found.id, locked=on))

    def _set_name(self, found: SceneObject, name: str) -> None:
        project = self._document.project
        taken = {name_key(o.name) for o in project.objects if o.id != found.id}
        try:
            if name_key(name) in taken:
                raise ValueError(self.tr("There is another object called {name}.").format(name=repr(name)))
            changed = with_typed_name(project, found.id, name)
        except ValueError as error:
            notifier.refused(error)
            self.refresh()
            return
        text = self.tr("Rename {old} to {new}").format(old=found.name, new=name)
        self._document.commit(text, changed)

    def _on_moved(self, _parent: QModelIndex, _first: int, _last: int) -> None:
        if self._filling:
            return
        # The list is between taking out and putting in while this signal is sent.
        from PySide6.QtCore import QTimer

        QTimer.singleShot(0, self._take_over_order)

    def _take_over_order(self) -> None:
        order = [item.data(0, _OBJECT_ID) for item in self._items()]
        project = self._document.project
        if sorted(order) == sorted(o.id for o in project.objects):
            self._document.commit(self.tr("Reorder objects"), project.with_object_order(order))

    def _chosen(self) -> list[SceneObject]:
        chosen = set(self._selection.object_ids)
        return [each for each in self._document.project.objects if each.id in chosen]

    def rename(self) -> None:
        for item in self._items():
            if item.data(0, _OBJECT_ID) == self._selection.current_object_id:
                self._list.editItem(item, NAME)

    def choose_colour(self) -> None:
        for each in self._chosen()[:1]:
            colour = QColorDialog.getColor(QColor(each.colour), self)
            if colour.isValid():
                project = self._document.project.with_changed_object(each.id, colour=colour.name())
                self._document.commit(self.tr("Colour of {name}").format(name=each.name), project)

    def duplicate(self) -> None:
        project = self._document.project
        made = []
        for each in self._chosen():
            project, object_id = project.with_new_id("o")
            name = free_name(each.name, (o.name for o in project.objects))
            copy = dataclasses.replace(each, id=object_id, name=name, colour=project.next_colour(), locked=False)
            project = project.with_object(copy)
            made.append(object_id)
        if made:
            self._document.commit(self.tr("Duplicate objects"), project)
            self._selection.select_objects(made)

    def merge_masks(self) -> None:
        chosen = [each for each in self._chosen() if each.kind == "object"]
        if len(chosen) < 2:
            notifier.warning(self.tr("Merging needs at least two objects: select them first."))
            return
        if any(each.locked for each in chosen):
            notifier.warning(self.tr("One of the objects is locked: unlock it first."))
            return
        kept = chosen[0]
        mask = united([each.mask for each in chosen])
        project = self._document.project.with_changed_object(kept.id, mask=mask)
        project = project.without_objects(each.id for each in chosen[1:])
        self._document.commit(self.tr("Merge into {name}").format(name=kept.name), project)
        self._selection.select_objects([kept.id])

    def delete(self) -> None:
        chosen = self._chosen()
        if any(each.locked for each in chosen):
            notifier.warning(self.tr("A locked object cannot be deleted: unlock it first."))
        elif chosen:
            names = ", ".join(each.name for each in chosen)
            project = self._document.project.without_objects(each.id for each in chosen)
            self._document.commit(self.tr("Delete {names}").format(names=names), project)

    def select_all(self) -> None:
        self._selection.select_objects(each.id for each in self._document.project.objects)

    def add_ambience(self) -> None:
        project = self._document.project
        info = project.image
        if info is None:
            notifier.warning(self.tr("There is no image yet: open one first."))
            return
        project, object_id = project.with_new_id("o")
        name = free_name(self.tr("ambience"), (o.name for o in project.objects))
        made = SceneObject(
            id=object_id,
            name=name,
            kind="ambience",
            mask=TiledMask.empty(width=info.width, height=info.height),
            seed=take_seed(project.settings.seed, name=name, take=0),
            colour=project.next_colour(),
        )
        self._document.commit(self.tr("Add {name}").format(name=name), project.with_object(made))
        self._selection.select_objects([object_id])

    def ask_for_blend(self) -> None:
        """Have a blend of the selected objects made."""
        self.blend_requested.emit(list(self._selection.object_ids))

    def invert_masks(self) -> None:
        self._edit_masks(self.tr("Invert"), inverted)

    def _edit_masks(self, verb: str, edit: Callable[[TiledMask], TiledMask]) -> None:
        project = self._document.project
        chosen = [each for each in self._chosen() if each.kind != "blend"]
        try:
            for each in chosen:
                project = project.with_changed_object(each.id, mask=edit(each.mask))
        except ValueError as error:
            notifier.refused(error)
            return
        names = ", ".join(each.name for each in chosen)
        self._document.commit(f"{verb} {names}", project)

    def ask_to_filter(self, kind: FilterKind) -> None:
        """Grow, shrink or feather masks by a number of pixels that is asked for."""
        verb, default = {
            "grow": (self.tr("Grow"), 5), "shrink": (self.tr("Shrink"), 5), "feather": (self.tr("Feather"), 10),
        }[kind]  # fmt: skip
        chosen = [(each.id, each.mask) for each in self._chosen() if each.kind != "blend" and not each.locked]
        if not chosen:
            notifier.warning(self.tr("No object is selected that could be changed: select one first."))
            return
        pixels, accepted = QInputDialog.getInt(self, verb, self.tr("Pixels"), default, 1, 500)
        if accepted:
            self.filter_masks(verb, kind, pixels)

    def filter_masks(self, verb: str, kind: FilterKind, pixels: int) -> None:
        """Grow, shrink or feather the masks of the selected objects, off the UI thread."""
        chosen = [(each.id, each.mask) for each in self._chosen() if each.kind != "blend" and not each.locked]

        def work() -> list[tuple[str, TiledMask, TiledMask]]:
            from sounddesk.engine.images import mask_filters

            filters = {
                "grow": lambda c: mask_filters.grow(c, pixels=pixels),
                "shrink": lambda c: mask_filters.grow(c, pixels=-pixels),
                "feather": lambda c: mask_filters.feather(c, pixels=pixels),
            }
            return [(i, mask, TiledMask.from_array(filters[kind](mask.to_array()))) for i, mask in chosen]

        self._background.start(verb, work)

    def _filtered(self, verb: str, results: list[tuple[str, TiledMask, TiledMask]]) -> None:
        def apply() -> None:
            project = self._document.project
            known = {each.id: each for each in project.objects}
            for object_id, before, after in results:
                # What was edited or locked meanwhile is the user's newer word.
                found = known.get(object_id)
                if found is not None and found.mask == before and not found.locked:
                    project = project.with_changed_object(object_id, mask=after)
            self._document.commit(verb, project)

        self._document.when_free(apply)
