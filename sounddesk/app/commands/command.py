"""What the user can do, as data: menus, shortcuts, the shortcut editor, the palette and the manual follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from dataclasses import dataclass
from typing import Generic
from typing import TypeVar

from PySide6.QtGui import QKeySequence

Owner = TypeVar("Owner")
StandardKey = QKeySequence.StandardKey


@dataclass(frozen=True, eq=False)
class Command(Generic[Owner]):
    """One thing that the user can do with an `Owner`: a panel, or another part of the window.

    A module lists its commands once and registers them with the object that carries them out:

        COMMANDS: Final[tuple[Command[TimelineCommands], ...]] = (
            Command("timeline.split", "&Split at playhead", TimelineCommands.split, menu="Timeline", keys="Ctrl+K"),
        )
        registry.add(COMMANDS, owner=commands)

    Attributes:
        id: 'subject.verb', stable: the user's own shortcuts are kept by it.
        title: text in the menu; the letter after '&' is its mnemonic, which no other command of the menu may have.
        run: what the command does.
        order: place in the section; those of one place follow each other as they were registered.
        switch: for a command that is on or off, in place of `run`; called with the new state.
        menu: name of its menu without '&', see `menu_layout`; also its heading in the shortcut editor.
        section: part of the menu, between two separators; one of the menu's own.
        keys: default shortcut as portable `QKeySequence` text or a standard key; empty for none.
        label: shorter text for a button; empty for the title.
        tip: what it does, where the title does not say it.
        checked: the state at the start of a command that is on or off.
        group: of the commands of one group exactly one is on.
        enabled: whether it can be carried out now; None for always. A command that can say what is missing stays
            enabled and says it.
    """

    id: str
    title: str
    run: Callable[[Owner], object] | None = None
    _: KW_ONLY
    menu: str
    section: str
    order: int = 0
    switch: Callable[[Owner, bool], object] | None = None
    keys: str | StandardKey = ""
    label: str = ""
    tip: str = ""
    checked: bool = False
    group: str = ""
    enabled: Callable[[Owner], bool] | None = None

    def __post_init__(self) -> None:
        if (self.run is None) == (self.switch is None):
            raise ValueError(f"command {self.id!r} needs either run or switch")

    @property
    def name(self) -> str:
        """The title without its mnemonic mark."""
        return without_mnemonic(self.title)

    @property
    def mnemonic(self) -> str:
        """The letter that chooses it in its open menu, in lower case; empty for none."""
        marked = self.title.replace("&&", "").partition("&")[2]
        return marked[:1].lower()

    @property
    def default_keys(self) -> str:
        """The default shortcut of this platform as portable text; empty for none."""
        return portable(self.keys)


@dataclass(frozen=True, kw_only=True)
class PanelKey:
    """A key that a panel handles itself while it has the focus, so that no command of the window may have it.

    Attributes:
        panel: name of the panel as the user sees it.
        keys: portable `QKeySequence` text.
        does: what the key does there, as a command's title would say it.
    """

    panel: str
    keys: str
    does: str


def portable(keys: str | StandardKey) -> str:
    """Keys as portable text in Qt's own spelling, so that 'ctrl+g' and 'Ctrl+G' compare equal; empty for none."""
    return str(QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText))


def without_mnemonic(text: str) -> str:
    """A menu text as it is read: '&' marks a mnemonic, '&&' is the letter itself."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")
