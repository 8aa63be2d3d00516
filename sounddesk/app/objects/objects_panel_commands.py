"""What menus, keys and the context menu do with objects and their masks."""

from __future__ import annotations

from typing import Any
from typing import Final

from sounddesk.app.commands.command import Command

OBJECT_MENU: Final = (
    "objects.rename", "objects.colour", "objects.duplicate", "objects.merge", "objects.delete", "objects.select_all",
    "", "objects.blend", "objects.add_ambience", "", "objects.invert", "objects.grow", "objects.shrink",
    "objects.feather",
)  # fmt: skip
# Of an `ObjectsPanel`, which imports this module.
COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("objects.rename", "&Rename object", lambda it: it.rename(), menu="Objects", section="objects", keys="F2",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.colour", "&Colour…", lambda it: it.choose_colour(), menu="Objects", section="objects",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.duplicate", "&Duplicate objects", lambda it: it.duplicate(), menu="Objects", section="objects",
            label="Duplicate",
            keys="Ctrl+Shift+D",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.delete", "D&elete objects", lambda it: it.delete(), menu="Objects", section="objects",
            keys="Ctrl+Backspace",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.select_all", "Select &all objects", lambda it: it.select_all(), menu="Edit", section="select",
            keys="Ctrl+A"),
    Command("objects.blend", "Add &blend", lambda it: it.ask_for_blend(), menu="Objects", section="add", label="Blend",
            tip="One take that is generated for the selected objects together",
            enabled=lambda it: it.n_selected > 1),
    Command("objects.add_ambience", "Add a&mbience", lambda it: it.add_ambience(), menu="Objects", section="add",
            label="Ambience", tip="An object for the rest of the scene"),
    Command("objects.merge", "Merge m&asks", lambda it: it.merge_masks(), menu="Mask", section="edit",
            enabled=lambda it: it.n_selected > 1),
    Command("objects.invert", "&Invert mask", lambda it: it.invert_masks(), menu="Mask", section="edit", keys="Ctrl+I",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.grow", "&Grow mask…", lambda it: it.ask_to_filter("grow"), menu="Mask", section="edit",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.shrink", "&Shrink mask…", lambda it: it.ask_to_filter("shrink"), menu="Mask", section="edit",
            enabled=lambda it: it.n_selected > 0),
    Command("objects.feather", "Fea&ther mask…", lambda it: it.ask_to_filter("feather"), menu="Mask", section="edit",
            enabled=lambda it: it.n_selected > 0),
)  # fmt: skip
