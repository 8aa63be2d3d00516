"""Which panels are shown, and how large: for selecting, for mixing, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QMainWindow
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.project.document import Document


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names of the panels that are shown.

    Attributes:
        below: share of the window's height that timeline and mixer take.
    """

    panels: frozenset[str]
    below: float = 0.36


EVERYTHING: Final = Layout(panels=frozenset({"objects", "takes", "library", "shelf", "timeline", "mixer"}))
LAYOUTS: Final = {
    "select": Layout(panels=frozenset({"objects", "takes", "library", "shelf"})),
    "mix": Layout(panels=frozenset({"takes", "library", "shelf", "timeline", "mixer"}), below=0.56),
    "everything": EVERYTHING,
}
# Widths in logical pixels; the lower two share what there is in this proportion.
_WIDTHS: Final = {"objects": 270, "takes": 360}
_LOWER: Final = {"timeline": 540, "mixer": 660}


class Layouts(QObject):
    """Arranges the docks of a window. What the user moves afterwards stays, until a layout is chosen again."""

    def __init__(
        self,
        window: QMainWindow,
        docks: Mapping[str, QDockWidget],
        document: Document,
        actions: CommandRegistry,
    ) -> None:
        super().__init__(window)
        self._window, self._docks, self._document = window, docks, document
        self._actions = actions
        actions.add(COMMANDS, owner=self)
        for dock in docks.values():
            dock.toggleViewAction().toggled.connect(self._show_which)

    def _show_which(self, _on: bool = False) -> None:
        """Mark the layout whose panels are shown; none where the user has made one of their own."""
        shown = {panel for panel, dock in self._docks.items() if dock.toggleViewAction().isChecked()}
        for name, layout in LAYOUTS.items():
            self._actions[f"view.layout_{name}"].setChecked(layout.panels == shown)

    @property
    def has_panels(self) -> bool:
        """Whether there is a picture that panels are about."""
        return self._document.project.image is not None

    def show_layout(self, name: str) -> None:
        """Show the panels of a layout in its sizes, each where it belongs. Raises: KeyError."""
        layout = LAYOUTS[name]
        for panel, dock in self._docks.items():
            dock.setFloating(False)
            dock.setVisible(panel in layout.panels)
        self.resize_docks(layout)

    def resize_docks(self, layout: Layout = EVERYTHING) -> None:
        """Give the panels the sizes of a layout."""
        for sizes, orientation in ((_WIDTHS, Qt.Orientation.Horizontal), (_LOWER, Qt.Orientation.Horizontal)):
            self._resize({name: size for name, size in sizes.items() if name in layout.panels}, orientation)
        height = round(self._window.height() * layout.below)
        self._resize({name: height for name in _LOWER if name in layout.panels}, Qt.Orientation.Vertical)
        # Library and shelf lie behind the takes.
        self._docks["takes"].raise_()

    def set_full_screen(self, on: bool) -> None:
        """Fill the screen, or have again the size of before: maximised, where it was."""
        state, full = self._window.windowState(), Qt.WindowState.WindowFullScreen
        self._window.setWindowState(state | full if on else state & ~full)
        self._window.show()

    def _resize(self, sizes: Mapping[str, int], orientation: Qt.Orientation) -> None:
        self._window.resizeDocks([self._docks[name] for name in sizes], list(sizes.values()), orientation)


def layout_buttons(actions: CommandRegistry, parent: QWidget) -> QWidget:
    """A row with a button for each layout."""
    row = QWidget(parent)
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 4, 0)
    line.setSpacing(2)
    for name in LAYOUTS:
        button = command_button(QToolButton, actions, f"view.layout_{name}", row)
        button.setAutoRaise(True)
        line.addWidget(button)
    return row


def _layout_command(name: str, title: str, *, keys: str, tip: str, label: str) -> Command[Layouts]:
    return Command(
        f"view.layout_{name}",
        title,
        switch=lambda it, _on: it.show_layout(name),
        group="layout",
        menu="View",
        section="layout",
        keys=keys,
        label=label,
        tip=tip,
        enabled=lambda it: it.has_panels,
    )


COMMANDS: Final[tuple[Command[Layouts], ...]] = (
    _layout_command("select", "&Select layout", keys="F6", label="Select", tip="A large picture, objects and takes"),
    _layout_command("mix", "&Mix layout", keys="F7", label="Mix", tip="Timeline and mixer above all"),
    _layout_command("everything", "&Everything", keys="F8", label="Everything", tip="All panels, as at the start"),
    Command("view.full_screen", "&Full screen", switch=Layouts.set_full_screen, menu="View", section="layout",
            keys="F11"),
)  # fmt: skip
