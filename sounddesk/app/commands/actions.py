"""Every command of the window in one place, so that menus, shortcuts, the shortcut editor and the palette agree."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtGui import QKeySequence


@dataclass(frozen=True, kw_only=True, eq=False)
class Command:
    """One thing that the user can do.

    Attributes:
        id: 'group.name', stable, the key of a rebound shortcut in the settings.
        group: heading in the shortcut editor and the palette, e.g. 'Timeline'.
        action: its `QAction`; its shortcut is the one in force.
        default_shortcut: as `QKeySequence` text; empty for none.
    """

    id: str
    group: str
    action: QAction
    default_shortcut: str


class ActionRegistry(QObject):
    """Commands by id. Panels add theirs; the main window puts them into menus.

    Signals:
        shortcuts_changed(): some command has another shortcut.
    """

    shortcuts_changed = Signal()

    def __init__(self, parent: QObject | None = None, *, shortcuts: Mapping[str, str] | None = None) -> None:
        """`shortcuts`: rebound ones by command id, as kept in the settings; empty text for none."""
        super().__init__(parent)
        self._commands: dict[str, Command] = {}
        self._rebound = dict(shortcuts or {})

    def add(
        self,
        command_id: str,
        text: str,
        slot: Callable[[], object],
        *,
        shortcut: str | QKeySequence.StandardKey = "",
        group: str | None = None,
        checkable: bool = False,
        tip: str = "",
    ) -> QAction:
        """Make a command; `slot` is called without arguments.

        The shortcut works in the whole window; single letters do not reach it while a text field has the focus.

        Raises:
            ValueError: the id exists.
        """
        if command_id in self._commands:
            raise ValueError(f"command {command_id!r} exists already")
        if isinstance(shortcut, QKeySequence.StandardKey):
            shortcut = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.PortableText)
        action = QAction(text, self)
        action.setObjectName(command_id)
        action.setCheckable(checkable)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setShortcut(QKeySequence(self._rebound.get(command_id, shortcut)))
        if tip:
            action.setToolTip(tip)
            action.setStatusTip(tip)
        action.triggered.connect(lambda _checked=False: slot())
        heading = group or command_id.partition(".")[0].replace("_", " ").capitalize()
        self._commands[command_id] = Command(
            id=command_id, group=heading, action=action, default_shortcut=str(shortcut)
        )
        return action

    def __getitem__(self, command_id: str) -> QAction:
        """Raises: KeyError."""
        return self._commands[command_id].action

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def rebind(self, command_id: str, shortcut: str) -> None:
        """Give a command another shortcut; empty text for none."""
        command = self._commands[command_id]
        command.action.setShortcut(QKeySequence(shortcut))
        if shortcut == command.default_shortcut:
            self._rebound.pop(command_id, None)
        else:
            self._rebound[command_id] = shortcut
        self.shortcuts_changed.emit()

    @property
    def rebound(self) -> dict[str, str]:
        """Shortcuts that differ from the defaults, for the settings."""
        return dict(self._rebound)

    def holder_of(self, shortcut: str) -> Command | None:
        """The command that a shortcut belongs to now."""
        wanted = QKeySequence(shortcut)
        if wanted.isEmpty():
            return None
        return next((command for command in self if command.action.shortcut() == wanted), None)
