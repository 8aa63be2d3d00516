"""The list of objects as a widget: its columns, and keys that mean its rows."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.empty_text import draw_empty_text
from sounddesk.app.objects.row_delegates import FlagDelegate
from sounddesk.app.objects.row_delegates import NameDelegate
from sounddesk.app.objects.thumbnails import SIDE

NAME, VISIBLE, LOCKED = range(3)
# Wide enough for an icon to be hit.
_FLAG_WIDTH: Final = 30


class ObjectList(QTreeWidget):
    """A list whose Delete deletes what is selected in it, not what a menu's key would mean elsewhere.

    Signals: delete_pressed(); escape_pressed().
    """

    delete_pressed = Signal()
    escape_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Objects"))
        self.setHeaderLabels([self.tr("Object"), self.tr("Visible"), self.tr("Lock")])
        # The icons of the columns say what they are.
        self.setHeaderHidden(True)
        self.setItemDelegateForColumn(NAME, NameDelegate(self))
        self.setItemDelegateForColumn(VISIBLE, FlagDelegate(on="eye", off="eye_off", quiet="", parent=self))
        self.setItemDelegateForColumn(LOCKED, FlagDelegate(on="lock", off="unlock", quiet="unlock", parent=self))
        self.setRootIsDecorated(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setIconSize(QSize(SIDE + 6, SIDE))
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.header().setMinimumSectionSize(_FLAG_WIDTH)
        for column in (VISIBLE, LOCKED):
            self.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.header().resizeSection(column, _FLAG_WIDTH)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self.topLevelItemCount() == 0:
            with QPainter(self.viewport()) as painter:
                text = self.tr("Click on something in the image: it becomes an object.")
                draw_empty_text(painter, self.viewport().rect(), text)

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
