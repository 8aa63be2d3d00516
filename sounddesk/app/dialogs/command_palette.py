"""Every command by a few letters of its name."""

from __future__ import annotations

from typing import Any
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.fuzzy_search import fuzzy_score
from sounddesk.app.commands.registry import CommandRegistry

_LIST_KEYS: Final = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QDialog):
    """Type, choose with the arrow keys, Enter carries it out."""

    def __init__(self, actions: CommandRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Command palette"))
        self.resize(520, 380)
        self._actions = actions
        self._field = QLineEdit()
        self._field.setPlaceholderText(self.tr("Type a command"))
        self._field.setAccessibleName(self.tr("Search commands"))
        self._field.setClearButtonEnabled(True)
        self._field.installEventFilter(self)
        self._list = QTreeWidget()
        self._list.setHeaderHidden(True)
        self._list.setColumnCount(3)
        self._list.setRootIsDecorated(False)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.setAccessibleName(self.tr("Commands found"))
        self._list.header().setStretchLastSection(False)
        self._list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self._list.header().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        layout = QVBoxLayout(self)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self._field.textChanged.connect(self._search)
        self._field.returnPressed.connect(self._run)
        self._list.itemActivated.connect(self._run)
        self._search("")

    @property
    def found(self) -> list[str]:
        """Ids of the commands listed, best first."""
        rows = [self._list.topLevelItem(index) for index in range(self._count())]
        return [row.data(0, Qt.ItemDataRole.UserRole) for row in rows if row is not None]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        """Arrow keys in the field move through the list."""
        pressed = watched is self._field and event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent) and event.key() in _LIST_KEYS:
            row = self._list.currentIndex().row()
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
            self._select(min(max(row + step[Qt.Key(event.key())], 0), self._count() - 1))
            return True
        return super().eventFilter(watched, event)

    def _search(self, query: str) -> None:
        scored: list[tuple[float, Command[Any]]] = []
        for command in self._actions:
            scores = [fuzzy_score(query, command.name), fuzzy_score(query, f"{command.menu} {command.name}")]
            fitting = [score for score in scores if score is not None]
            if fitting:
                scored.append((max(fitting), command))
        if query.strip():
            scored.sort(key=lambda pair: (-pair[0], pair[1].name))
        self._list.clear()
        for _, command in scored:
            action = self._actions[command.id]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QTreeWidgetItem([command.name, command.menu, keys])
            item.setData(0, Qt.ItemDataRole.UserRole, command.id)
            item.setForeground(1, self.palette().placeholderText())
            item.setDisabled(not action.isEnabled())
            self._list.addTopLevelItem(item)
        self._select(0)

    def _run(self) -> None:
        item = self._list.currentItem()
        if item is None or item.isDisabled():
            return
        action = self._actions[item.data(0, Qt.ItemDataRole.UserRole)]
        self.accept()
        action.trigger()

    def _count(self) -> int:
        return int(self._list.topLevelItemCount())

    def _select(self, row: int) -> None:
        item = self._list.topLevelItem(row)
        if item is not None:
            self._list.setCurrentItem(item)
