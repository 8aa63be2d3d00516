"""The menu bar, made from the registry."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QMenuBar

from sounddesk.app.commands.command import PanelKey
from sounddesk.app.commands.menu_layout import MENUS
from sounddesk.app.commands.registry import CommandRegistry

# Alt with the mnemonic of a menu opens it.
MENU_KEYS: Final = tuple(
    PanelKey(panel="Menu bar", keys=f"Alt+{menu.title.partition('&')[2][0].upper()}", does=f"open {menu.name}")
    for menu in MENUS
)


def fill_menu_bar(bar: QMenuBar, registry: CommandRegistry, *, menus_after: Mapping[str, QMenu]) -> None:
    """Put every command into its menu, with a separator between the sections.

    Args:
        menus_after: menus that fill themselves, by the id of the command that each of them follows.
    """
    registry.reserve(MENU_KEYS)
    for menu in MENUS:
        made = bar.addMenu(str(QCoreApplication.translate("commands", menu.title)))
        made.setToolTipsVisible(False)
        submenus = dict(menu.submenus)
        after_submenu = False
        for section in menu.sections:
            commands = [each for each in registry if (each.menu, each.section) == (menu.name, section)]
            if not commands:
                continue
            # Submenus follow each other without a line between.
            if made.actions() and not (section in submenus and after_submenu):
                made.addSeparator()
            after_submenu = section in submenus
            into = made
            if section in submenus:
                into = made.addMenu(str(QCoreApplication.translate("commands", submenus[section])))
                into.setToolTipsVisible(False)
            for each in sorted(commands, key=lambda each: each.order):
                into.addAction(registry[each.id])
                if each.id in menus_after:
                    into.addMenu(menus_after[each.id])


def add_commands(menu: QMenu, registry: CommandRegistry, command_ids: Iterable[str]) -> None:
    """Put some commands into a context menu; an empty id is a separator."""
    for command_id in command_ids:
        if command_id:
            menu.addAction(registry[command_id])
        else:
            menu.addSeparator()
