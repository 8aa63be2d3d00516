"""Buttons for commands: text, keys and state as the command has them now."""

from __future__ import annotations

from typing import Final
from typing import TypeVar

from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.registry import CommandRegistry

Button = TypeVar("Button", bound=QAbstractButton)

_ICON: Final = 18


def command_button(kind: type[Button], registry: CommandRegistry, command_id: str, parent: QWidget) -> Button:
    """A button of class `kind` that carries out a command; its tool tip names the command and its keys."""
    action, command = registry[command_id], registry.command(command_id)
    button = kind(parent)
    button.setText(command.label or command.name)
    button.setAccessibleName(command.name)
    # A button must not take the keys from the panel that is worked in.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCheckable(action.isCheckable())
    button.setChecked(action.isChecked())
    button.setEnabled(action.isEnabled())
    action.toggled.connect(button.setChecked)
    action.enabledChanged.connect(button.setEnabled)
    button.clicked.connect(action.trigger)
    if not action.icon().isNull():
        button.setIcon(action.icon())
        button.setIconSize(QSize(_ICON, _ICON))

    def show_keys() -> None:
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        what = command.tip or command.name
        button.setToolTip(f"{what} ({keys})" if keys else what)

    def follow() -> None:
        show_keys()
        if not action.icon().isNull():
            button.setIcon(action.icon())

    show_keys()
    action.changed.connect(follow)
    return button
