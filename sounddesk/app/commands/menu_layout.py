"""The menus of the window and their sections, in order. Which command stands where is said by the command itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sounddesk.app.commands.command import without_mnemonic


@dataclass(frozen=True, kw_only=True)
class Menu:
    """A menu of the window.

    Attributes:
        title: with a mnemonic of its own.
        sections: between them stand separators.
        submenus: (section, title) of those that are menus of their own, so that none is longer than one can overlook.
    """

    title: str
    sections: tuple[str, ...]
    submenus: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The title without its mnemonic mark; commands name their menu by it."""
        return without_mnemonic(self.title)


MENUS: Final = (
    Menu(title="&File", sections=("open", "save", "export", "last_export", "masks", "batch", "settings", "quit"),
         submenus=(("last_export", "Last e&xport"), ("masks", "Mas&ks"))),
    Menu(title="&Edit", sections=("history", "clipboard", "select", "settings")),
    Menu(title="&Objects", sections=("suggest", "objects", "add")),
    Menu(title="&Mask", sections=("tools", "pick", "edit"), submenus=(("tools", "Too&ls"),)),
    Menu(title="&Takes", sections=("generate", "rework", "listen", "use", "compare"),
         submenus=(("rework", "&Make from take"), ("compare", "Compar&e"))),
    Menu(title="Recor&dings", sections=("find", "use", "folders")),
    Menu(title="T&imeline", sections=("clips", "sound", "curves", "move", "markers", "length"),
         submenus=(("sound", "Clip s&ound"), ("curves", "&Curves"), ("markers", "&Markers"))),
    Menu(title="Mi&xer", sections=("strips", "effects", "groups", "scene")),
    Menu(title="T&ransport", sections=("play", "go", "loop")),
    Menu(title="&View", sections=("image", "attention", "timeline", "ruler", "layout", "panels"),
         submenus=(("timeline", "Time&line"), ("ruler", "R&uler"), ("layout", "La&yout"), ("panels", "Panel&s"))),
    Menu(title="&Help", sections=("manual", "commands", "task", "about")),
)  # fmt: skip


def popup_of(menu: str, section: str) -> str:
    """Names what opens at once with the entries of a section: the menu, or the submenu that the section is."""
    submenus = next((dict(each.submenus) for each in MENUS if each.name == menu), {})
    return f"{menu} > {section}" if section in submenus else menu


SECTIONS: Final = {menu.name: menu.sections for menu in MENUS}
