"""Commands of the takes, and the menus of a card and of the button that generates."""

from __future__ import annotations

from typing import Any
from typing import Final

from sounddesk.app.commands.command import Command
from sounddesk.app.takes.rework_pages import REWORKS
from sounddesk.app.takes.rework_pages import ReworkEntry

TAKE_MENU: Final = (
    "takes.listen", "takes.use", "takes.place", "", *(f"takes.{each.name}" for each in REWORKS), "",
    "takes.star", "takes.rename", "takes.reuse_seed", "",
    "takes.a_b", "takes.compare",
)  # fmt: skip
GENERATE_MENU: Final = ("takes.generate", "takes.generate_all", "", "takes.use_new")


def _rework_command(way: ReworkEntry) -> Command[Any]:
    return Command(
        f"takes.{way.name}",
        way.title,
        lambda it: it.rework(way.name),
        menu="Takes",
        section="rework",
        tip=way.tip,
        enabled=lambda it: it.has_take,
    )


# Of a `TakesPanel`, which imports this module.
COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("takes.generate", "&Generate selected", lambda it: it.generate(), menu="Takes", section="generate",
            keys="Ctrl+G", label="Generate", enabled=lambda it: it.has_objects,
            tip="Takes for the selected objects, for all of them where none is selected"),
    Command("takes.generate_all", "Generate &all", lambda it: it.generate_all(), menu="Takes", section="generate",
            keys="Ctrl+Shift+G", enabled=lambda it: it.has_objects),
    *(_rework_command(each) for each in REWORKS),
    Command("takes.listen", "&Listen to take", lambda it: it.listen(), menu="Takes", section="listen",
            keys="Shift+Space", enabled=lambda it: it.has_take),
    Command("takes.use", "&Use take on the timeline", lambda it: it.use_selected(), menu="Takes", section="use",
            keys="Ctrl+U", enabled=lambda it: it.has_take or it.is_listening),
    Command("takes.place", "&Place take as a new clip", lambda it: it.place_selected(), menu="Takes", section="use",
            enabled=lambda it: it.has_take),
    Command("takes.star", "&Star take", lambda it: it.star_selected(), menu="Takes", section="use",
            keys="Ctrl+Shift+F", enabled=lambda it: it.has_take),
    Command("takes.use_new", "Use ne&w takes at once", switch=lambda it, on: it.use_new_takes(on), menu="Takes",
            section="use", tip="Whether a new take takes the place of the one in use"),
    Command("takes.rename", "&Rename take", lambda it: it.rename(), menu="Takes", section="use", keys="Shift+F2",
            enabled=lambda it: it.has_take),
    Command("takes.reuse_seed", "Loc&k the object to this seed", lambda it: it.lock_seed(), menu="Takes", section="use",
            enabled=lambda it: it.has_take),
    Command("takes.a_b", "A/&B: the other take", lambda it: it.switch_takes(), menu="Takes", section="compare",
            keys="Ctrl+B", label="A/B", enabled=lambda it: it.n_takes > 1),
    Command("takes.compare", "Compare sp&ectrograms", lambda it: it.compare(), menu="Takes", section="compare",
            label="Compare", enabled=lambda it: it.n_takes > 0),
)  # fmt: skip
