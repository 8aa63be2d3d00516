"""The menu bar, from the registry: which command stands where."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QMenuBar

from sounddesk.app.commands.actions import ActionRegistry

# None is a separator. A command that some panel does not offer is left out; one that is listed nowhere goes to the end
# of the menu with its group's name, so that no command can be missing from the menus.
LAYOUT: Final[tuple[tuple[str, tuple[str | None, ...]], ...]] = (
    (
        "File",
        (
            "file.new", "file.open", None, "file.save", "file.save_as", "file.collect", None,
            "file.export", "file.reveal_export", "file.copy_export_path", None, "masks.import", "masks.export", None,
            "file.batch", None,
            "file.project_settings", "app.models", "app.preferences", None, "file.quit",
        ),
    ),
    (
        "Edit",
        (
            "edit.undo", "edit.redo", None, "timeline.cut", "timeline.copy", "edit.paste", None,
            "objects.select_all", "timeline.select_all",
        ),
    ),
    ("Objects", ()),
    ("Takes", ()),
    ("Timeline", ()),
    ("Mixer", ()),
    ("Transport", ()),
    ("View", ()),
    ("Help", ("help.manual", "help.shortcuts", "help.palette", "help.log", None, "help.about")),
)  # fmt: skip

# Groups of the registry whose commands belong under another menu.
_UNDER: Final = {"Tool": "Objects", "Tools": "Objects", "Masks": "Objects", "Mask": "Objects", "Canvas": "View"}


def fill_menu_bar(bar: QMenuBar, actions: ActionRegistry) -> None:
    """Put every command of the registry into a menu."""
    known = {command.id: command for command in actions}
    placed: set[str] = set()
    menus = {title: bar.addMenu(f"&{title}") for title, _ in LAYOUT}
    for title, ids in LAYOUT:
        for command_id in ids:
            if command_id is None:
                menus[title].addSeparator()
            elif command_id in known:
                menus[title].addAction(known[command_id].action)
                placed.add(command_id)
    for command in actions:
        if command.id not in placed:
            title = _UNDER.get(command.group, command.group)
            if title not in menus:
                title = "Edit"
            menus[title].addAction(command.action)
