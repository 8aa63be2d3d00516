"""The menus of the window and their sections, in order. Which command stands where is said by the command itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sounddesk.app.commands.command import without_mnemonic


@dataclass(frozen=True, kw_only=True)
class Menu:
    """Attributes: title: with a mnemonic of its own; sections: between them stand separators."""

    title: str
    sections: tuple[str, ...]

    @property
    def name(self) -> str:
        """The title without its mnemonic mark; commands name their menu by it."""
        return without_mnemonic(self.title)


MENUS: Final = (
    Menu(title="&File", sections=("open", "save", "export", "masks", "batch", "settings", "quit")),
    Menu(title="&Edit", sections=("history", "clipboard", "select")),
    Menu(title="&Objects", sections=("suggest", "objects", "add")),
    Menu(title="&Mask", sections=("tools", "pick", "edit")),
    Menu(title="&Takes", sections=("generate", "listen", "use", "compare")),
    Menu(title="T&imeline", sections=("clips", "move", "markers", "length")),
    Menu(title="Mi&xer", sections=("strips", "scene")),
    Menu(title="T&ransport", sections=("play", "go", "loop")),
    Menu(title="&View", sections=("image", "attention", "timeline", "ruler", "panels")),
    Menu(title="&Help", sections=("manual", "commands", "about")),
)
SECTIONS: Final = {menu.name: menu.sections for menu in MENUS}
