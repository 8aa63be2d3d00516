"""The menu bar as it is: short enough to be overlooked, with a letter of its own for every entry."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from sounddesk.app.commands.command import without_mnemonic
from sounddesk.app.commands.menu_layout import MENUS
from sounddesk.app.main_window import MainWindow

# Entries of one menu; those between two separators.
MOST, MOST_OF_A_SECTION = 14, 8


def letters(menu: QMenu) -> list[str]:
    found = []
    for action in menu.actions():
        # What is appended to 'Undo' is no part of the command.
        _, mark, rest = action.text().replace("&&", "").partition("&")
        if mark:
            found.append(rest[0].lower())
    return found


def test_menus_are_short_and_their_letters_differ(window: MainWindow) -> None:
    bar = window.menuBar()
    tops = [action.text().partition("&")[2][0].lower() for action in bar.actions()]
    assert len(tops) == len(set(tops)) == len(MENUS)
    menus = [each for each in bar.findChildren(QMenu) if each.actions()]
    assert len(menus) > len(MENUS)
    for menu in menus:
        entries = [action for action in menu.actions() if not action.isSeparator()]
        assert len(entries) <= MOST, menu.title()
        assert len(letters(menu)) == len(set(letters(menu))), menu.title()
        section = 0
        for action in menu.actions():
            section = 0 if action.isSeparator() else section + 1
            assert section <= MOST_OF_A_SECTION, menu.title()
    # Every command is in a menu.
    shown = {action for menu in menus for action in menu.actions()}
    missing = [each.id for each in window.services.actions if window.services.actions[each.id] not in shown]
    assert missing == []
    assert without_mnemonic(window.services.actions["file.open"].text()).startswith("Open")
