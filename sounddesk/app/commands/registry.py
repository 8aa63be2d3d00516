"""Every command of the window in one place, so that menus, shortcuts, the shortcut editor and the palette agree."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtGui import QActionGroup
from PySide6.QtGui import QKeySequence

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import PanelKey
from sounddesk.app.commands.command import portable
from sounddesk.app.commands.menu_layout import SECTIONS
from sounddesk.app.commands.menu_layout import popup_of
from sounddesk.app.look.icons import COMMAND_ICONS
from sounddesk.app.look.icons import icon
from sounddesk.domain.errors import BadInputError

Owner = TypeVar("Owner")


class KeysTakenError(BadInputError, ValueError):
    """Keys belong to something else already: Qt would carry out neither of two commands with the same shortcut."""


class CommandRegistry(QObject):
    """Commands by id. Panels add theirs; menus, shortcut editor, palette and manual are made from what is here.

    Every command has an action whose shortcut works in the whole window; single letters do not reach it while a text
    field has the focus. No two commands have the same keys, and none has those that a panel handles itself.

    Signals:
        shortcuts_changed(): some command has another shortcut.
    """

    shortcuts_changed = Signal()

    def __init__(self, parent: QObject | None = None, *, shortcuts: Mapping[str, str] | None = None) -> None:
        """`shortcuts`: the user's own by command id, as kept in the settings; empty text for none."""
        super().__init__(parent)
        self._commands: dict[str, Command[Any]] = {}
        self._owners: dict[str, Any] = {}
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self._panel_keys: list[PanelKey] = []
        self._rebound = {command_id: portable(keys) for command_id, keys in (shortcuts or {}).items()}

    # ------------------------------------------------------------------ what is there

    def __getitem__(self, command_id: str) -> QAction:
        """Raises: KeyError."""
        return self._actions[command_id]

    def __iter__(self) -> Iterator[Command[Any]]:
        return iter(self._commands.values())

    def command(self, command_id: str) -> Command[Any]:
        """Raises: KeyError."""
        return self._commands[command_id]

    @property
    def panel_keys(self) -> tuple[PanelKey, ...]:
        """Keys that panels handle themselves."""
        return tuple(self._panel_keys)

    @property
    def rebound(self) -> dict[str, str]:
        """Shortcuts that differ from the defaults, for the settings."""
        return dict(self._rebound)

    def keys_of(self, command_id: str) -> str:
        """The keys in force, as portable text; empty for none. Raises: KeyError."""
        return portable(self._actions[command_id].shortcut().toString(QKeySequence.SequenceFormat.PortableText))

    def holder_of(self, keys: str, *, other_than: str = "") -> str:
        """What keys belong to now: the name of a command, or what a panel does with them; empty for nothing.

        Args:
            keys: as `QKeySequence` text.
            other_than: id of a command that may have them.
        """
        wanted = portable(keys)
        if not wanted:
            return ""
        for command in self:
            if command.id != other_than and self.keys_of(command.id) == wanted:
                return command.name
        return next((f"{each.panel}: {each.does}" for each in self._panel_keys if portable(each.keys) == wanted), "")

    # ------------------------------------------------------------------ registering

    def add(self, commands: Iterable[Command[Owner]], *, owner: Owner) -> None:
        """Make the actions of commands that `owner` carries out.

        Raises:
            KeysTakenError: two commands have the same default keys, or a panel handles them itself.
            ValueError: an id is there already, a menu or section is unknown, or a mnemonic is taken in its menu.
        """
        for command in commands:
            self._check(command)
            self._commands[command.id] = command
            self._owners[command.id] = owner
            self._actions[command.id] = self._make_action(command)
        self._set_shortcuts()
        self.refresh()

    def reserve(self, keys: Iterable[PanelKey]) -> None:
        """Keep keys that a panel handles itself free of commands. Raises: KeysTakenError."""
        for each in keys:
            for command in self:
                if command.default_keys and command.default_keys == portable(each.keys):
                    raise KeysTakenError(f"{each.keys} of {each.panel!r} belongs to command {command.id!r}")
            self._panel_keys.append(each)
        self._set_shortcuts()

    def refresh(self) -> None:
        """Enable what can be carried out now, and nothing else."""
        for command in self:
            if command.enabled is not None:
                self._actions[command.id].setEnabled(command.enabled(self._owners[command.id]))

    def show_icons(self) -> None:
        """Draw the icons of commands anew, in the colours of the theme that is shown."""
        for command_id, name in COMMAND_ICONS.items():
            if command_id in self._actions:
                self._actions[command_id].setIcon(icon(name))

    def show_detail(self, command_id: str, detail: str) -> None:
        """Say in the menu what a command would act on, as in 'Undo Move clip'; empty for its bare title."""
        title = self._translated(self._commands[command_id].title)
        self._actions[command_id].setText(f"{title} {detail.replace('&', '&&')}".strip())

    def _check(self, command: Command[Any]) -> None:
        if command.id in self._commands:
            raise ValueError(f"command {command.id!r} exists already")
        if command.section not in SECTIONS.get(command.menu, ()):
            raise ValueError(
                f"command {command.id!r}: there is no section {command.section!r} in a {command.menu!r} menu"
            )
        for other in self:
            if command.default_keys and command.default_keys == other.default_keys:
                raise KeysTakenError(f"{command.default_keys} of {command.id!r} belongs to {other.id!r} already")
            together = popup_of(command.menu, command.section) == popup_of(other.menu, other.section)
            if command.mnemonic and together and command.mnemonic == other.mnemonic:
                raise ValueError(f"the mnemonic of {command.title!r} belongs to {other.title!r} in the same menu")
        for each in self._panel_keys:
            if command.default_keys and command.default_keys == portable(each.keys):
                raise KeysTakenError(f"{command.default_keys} of {command.id!r} is handled by {each.panel!r} itself")

    def _make_action(self, command: Command[Any]) -> QAction:
        owner, run, switch = self._owners[command.id], command.run, command.switch
        action = QAction(self._translated(command.title), self)
        action.setObjectName(command.id)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if command.id in COMMAND_ICONS:
            action.setIcon(icon(COMMAND_ICONS[command.id]))
            # A menu of words is read faster.
            action.setIconVisibleInMenu(False)
        if command.label:
            action.setIconText(self._translated(command.label))
        if command.tip:
            action.setToolTip(self._translated(command.tip))
            action.setStatusTip(self._translated(command.tip))
        if command.group:
            group = self._groups.setdefault(command.group, QActionGroup(self))
            group.addAction(action)
        if switch is not None:
            action.setCheckable(True)
            action.setChecked(command.checked)
            action.triggered.connect(lambda on: switch(owner, on))
        elif run is not None:
            action.triggered.connect(lambda _on=False: run(owner))
        return action

    @staticmethod
    def _translated(text: str) -> str:
        return str(QCoreApplication.translate("commands", text))

    # ------------------------------------------------------------------ keys

    def rebind(self, command_id: str, keys: str) -> None:
        """Give a command other keys; empty text for none.

        Raises:
            KeysTakenError: they belong to another command or to a panel; the message names it.
            KeyError: there is no such command.
        """
        command, wanted = self._commands[command_id], portable(keys)
        holder = self.holder_of(wanted, other_than=command_id)
        if holder:
            text = self.tr("{keys} belongs to '{name}': choose other keys, or take them away from it first.")
            raise KeysTakenError(text.format(keys=wanted, name=holder))
        if wanted == command.default_keys:
            self._rebound.pop(command_id, None)
        else:
            self._rebound[command_id] = wanted
        self._set_shortcuts()
        self.shortcuts_changed.emit()

    def take_over(self, command_id: str, keys: str) -> None:
        """Give a command keys that another one has, which is left without. Raises: KeysTakenError: a panel has them."""
        wanted = portable(keys)
        for command in self:
            if command.id != command_id and wanted and self.keys_of(command.id) == wanted:
                self.rebind(command.id, "")
        self.rebind(command_id, wanted)

    def reset_keys(self) -> None:
        """Give every command its default keys."""
        self._rebound.clear()
        self._set_shortcuts()
        self.shortcuts_changed.emit()

    def _set_shortcuts(self) -> None:
        reserved = {portable(each.keys) for each in self._panel_keys}
        defaults = {command.id: command.default_keys for command in self}
        for command_id, keys in keys_in_force(defaults, self._rebound, reserved=reserved).items():
            if self.keys_of(command_id) != keys:
                self._actions[command_id].setShortcut(QKeySequence(keys))


def keys_in_force(
    defaults: Mapping[str, str], rebound: Mapping[str, str], *, reserved: Iterable[str] = ()
) -> dict[str, str]:
    """Keys of each command, no two the same: the user's own come first, then the defaults that are still free.

    Settings of an older version may give a command keys that are another one's default by now, or two commands the
    same keys.

    Args:
        defaults: portable key texts by command id; empty for none.
        rebound: the user's own, likewise; other ids are ignored.
        reserved: keys that no command may have.

    Examples:
        >>> keys_in_force({"split": "K", "stop": "S"}, {"stop": "K"})
        {'split': '', 'stop': 'K'}
    """
    taken = set(reserved)
    found: dict[str, str] = {}
    for source in (rebound, defaults):
        for command_id in defaults:
            if command_id not in source or command_id in found:
                continue
            keys = source[command_id]
            found[command_id] = keys if keys not in taken else ""
            taken |= {keys} if keys else set()
    return {command_id: found[command_id] for command_id in defaults}
