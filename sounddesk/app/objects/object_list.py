"""The list of objects as a widget: keys that mean its rows."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QTreeWidget


class ObjectList(QTreeWidget):
    """A list whose Delete deletes what is selected in it, not what a menu's key would mean elsewhere.

    Signals: delete_pressed(); escape_pressed().
    """

    delete_pressed = Signal()
    escape_pressed = Signal()

    def event(self, event: QEvent) -> bool:
        """Claim the keys before the window's shortcuts get them."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._signal(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        signal = self._signal(event)
        if signal is None:
            super().keyPressEvent(event)
        else:
            signal.emit()

    def _signal(self, event: QKeyEvent) -> SignalInstance | None:
        if event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return None
        found = {Qt.Key.Key_Delete: self.delete_pressed, Qt.Key.Key_Escape: self.escape_pressed}
        return found.get(Qt.Key(event.key()))
