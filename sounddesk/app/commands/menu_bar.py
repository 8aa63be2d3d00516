"""The menu bar: the letters that open its menus are underlined while Alt is held or the bar has the keys."""

from __future__ import annotations

from PySide6.QtGui import QFocusEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QMenuBar
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyleOption
from PySide6.QtWidgets import QStyleOptionMenuItem
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import without_mnemonic


class MenuBar(QMenuBar):
    """As desktops do it, which Qt's own style leaves out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._alt_held = False

    @property
    def shows_mnemonics(self) -> bool:
        return self._alt_held or self.hasFocus()

    def show_mnemonics(self, alt_held: bool) -> None:
        """Whether Alt is held now."""
        if alt_held != self._alt_held:
            self._alt_held = alt_held
            self.update()

    def shown_title(self, text: str) -> str:
        """The title of a menu as it is drawn now: '&' before the letter that is underlined."""
        return text if self.shows_mnemonics else without_mnemonic(text).replace("&", "&&")

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            ground = QStyleOption()
            ground.initFrom(self)
            self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelMenuBar, ground, painter, self)
            self.style().drawControl(QStyle.ControlElement.CE_MenuBarEmptyArea, ground, painter, self)
            for action in self.actions():
                option = QStyleOptionMenuItem()
                self.initStyleOption(option, action)
                option.rect = self.actionGeometry(action)  # type: ignore[attr-defined]
                if option.rect.isEmpty():  # type: ignore[attr-defined]
                    # In a window that is too narrow for all of them.
                    continue
                option.text = self.shown_title(action.text())  # type: ignore[attr-defined]
                self.style().drawControl(QStyle.ControlElement.CE_MenuBarItem, option, painter, self)
