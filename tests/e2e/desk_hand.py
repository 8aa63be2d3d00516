"""The hand of an artist at the real window: real events, each thing that is done counted as one gesture."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QWidget

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Hand:
    """Attributes: gestures: what was done so far, in order."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self.gestures: list[str] = []

    def drop(self, file: Path) -> None:
        """Let a file fall into the middle of the window."""
        self.gestures.append(f"drop {file.name}")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file))])
        middle = self._window.rect().center()
        copy = Qt.DropAction.CopyAction
        QApplication.sendEvent(self._window, QDragEnterEvent(middle, copy, data, LEFT, PLAIN))
        QApplication.sendEvent(self._window, QDropEvent(QPointF(middle), copy, data, LEFT, PLAIN))

    def click(self, widget: QWidget, at: QPoint, what: str, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
        """Go there and press."""
        self.gestures.append(f"click {what}")
        QTest.mouseMove(widget, at)
        QTest.mouseClick(widget, LEFT, modifiers, at)

    def drag(self, widget: QWidget, start: QPoint, end: QPoint, what: str, *, steps: int = 12) -> None:
        """Press, move and let go."""
        self.gestures.append(f"drag {what}")
        QTest.mousePress(widget, LEFT, PLAIN, start)
        for step in range(1, steps + 1):
            QTest.mouseMove(widget, start + (end - start) * step / steps)
            QApplication.processEvents()
        QTest.mouseRelease(widget, LEFT, PLAIN, end)

    def key(self, keys: str) -> None:
        """A combination, to what has the focus."""
        self.gestures.append(f"key {keys}")
        combination = QKeySequence(keys)[0]
        front = QApplication.activeModalWidget() or self._window
        target = QApplication.focusWidget() or front.focusWidget() or front
        QTest.keyClick(target, combination.key(), combination.keyboardModifiers())
