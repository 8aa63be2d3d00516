"""All commands with their keys, to search and to bind anew."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QKeySequenceEdit
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QTreeWidgetItemIterator
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.fuzzy_search import fuzzy_score
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.commands.registry import KeysTakenError
from sounddesk.app.plain_text import PlainLabel

_ID = Qt.ItemDataRole.UserRole


class ShortcutEditor(QDialog):
    """Changes take effect at once. A key that another command has is shown, and taken over only when asked."""

    def __init__(self, actions: CommandRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.resize(600, 520)
        self._actions = actions
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Search commands or keys"))
        self._search.setAccessibleName(self.tr("Search commands or keys"))
        self._search.setClearButtonEnabled(True)
        self._tree = QTreeWidget()
        self._tree.setColumnCount(2)
        self._tree.setHeaderLabels([self.tr("Command"), self.tr("Keys")])
        self._tree.header().setStretchLastSection(False)
        self._tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._tree.header().resizeSection(1, 150)
        self._tree.setAccessibleName(self.tr("Commands and their keys"))
        self._edit = QKeySequenceEdit()
        self._edit.setMaximumSequenceLength(1)
        self._edit.setAccessibleName(self.tr("New keys"))
        self._take = QPushButton(self.tr("Set"))
        self._none = QPushButton(self.tr("None"))
        self._reset = QPushButton(self.tr("Default"))
        self._conflict = PlainLabel()
        self._conflict.setWordWrap(True)
        self._conflict.setMinimumHeight(self.fontMetrics().height() * 2)
        reset_all = QPushButton(self.tr("Reset all"))
        row = QHBoxLayout()
        row.addWidget(PlainLabel(self.tr("Keys:")))
        row.addWidget(self._edit, 1)
        for button in (self._take, self._none, self._reset):
            # Enter belongs to the keys being recorded, not to a button.
            button.setAutoDefault(False)
            row.addWidget(button)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        box.addButton(reset_all, QDialogButtonBox.ButtonRole.ResetRole)
        reset_all.setAutoDefault(False)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self._search)
        layout.addWidget(self._tree, 1)
        layout.addLayout(row)
        layout.addWidget(self._conflict)
        layout.addWidget(box)
        self._search.textChanged.connect(self._fill)
        self._tree.currentItemChanged.connect(lambda *_: self._show_current())
        self._edit.keySequenceChanged.connect(lambda _keys: self._show_conflict())
        self._take.clicked.connect(self._bind)
        self._none.clicked.connect(lambda: self._rebind(""))
        self._reset.clicked.connect(self._bind_default)
        reset_all.clicked.connect(self._reset_all)
        self._fill()

    @property
    def conflict(self) -> str:
        """What is shown about another command that has these keys; empty for none."""
        return str(self._conflict.text())

    def select(self, command_id: str) -> None:
        """Make a command the current one."""
        walk = QTreeWidgetItemIterator(self._tree)
        while (item := walk.value()) is not None:
            if item.data(0, _ID) == command_id:
                self._tree.setCurrentItem(item)
                return
            walk += 1

    def _fill(self) -> None:
        current, query = self._current(), str(self._search.text())
        self._tree.clear()
        groups: dict[str, QTreeWidgetItem] = {}
        bold = self._tree.font()
        bold.setBold(True)
        for command in self._actions:
            keys = self._actions[command.id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            if fuzzy_score(query, command.name) is None and query.casefold() not in keys.casefold():
                continue
            if command.menu not in groups:
                groups[command.menu] = QTreeWidgetItem([command.menu])
                groups[command.menu].setFlags(Qt.ItemFlag.ItemIsEnabled)
                self._tree.addTopLevelItem(groups[command.menu])
            item = QTreeWidgetItem([command.name, keys])
            item.setData(0, _ID, command.id)
            if command.id in self._actions.rebound:
                item.setFont(1, bold)
                default = command.default_keys or self.tr("none")
                item.setToolTip(1, self.tr("Default: {keys}").format(keys=default))
            groups[command.menu].addChild(item)
        self._tree.expandAll()
        if current is not None:
            self.select(current)
        self._show_current()

    def _current(self) -> str | None:
        item = self._tree.currentItem()
        return None if item is None else item.data(0, _ID)

    def _show_current(self) -> None:
        command_id = self._current()
        for widget in (self._edit, self._take, self._none, self._reset):
            widget.setEnabled(command_id is not None)
        keys = self._actions[command_id].shortcut() if command_id is not None else QKeySequence()
        self._edit.setKeySequence(keys)
        self._show_conflict()

    def _show_conflict(self) -> None:
        current = self._current()
        keys = self._edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        holder = self._actions.holder_of(keys, other_than=current or "")
        self._take.setText(self.tr("Take over") if holder else self.tr("Set"))
        text = self.tr("{keys} belongs to '{name}'. Taking it over leaves that command without keys.")
        self._conflict.setText(text.format(keys=keys, name=holder) if holder else "")

    def _bind(self) -> None:
        keys = self._edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        self._change(lambda command_id: self._actions.take_over(command_id, keys))

    def _bind_default(self) -> None:
        self._change(
            lambda command_id: self._actions.rebind(command_id, self._actions.command(command_id).default_keys)
        )

    def _rebind(self, keys: str) -> None:
        self._change(lambda command_id: self._actions.rebind(command_id, keys))

    def _change(self, change: Callable[[str], None]) -> None:
        """Carry out a change of the current command's keys; one that is refused leaves all as it was and says why."""
        command_id = self._current()
        if command_id is None:
            return
        try:
            change(command_id)
        except KeysTakenError as error:
            self._conflict.setText(str(error))
        else:
            self._fill()

    def _reset_all(self) -> None:
        self._actions.reset_keys()
        self._fill()
