"""Fields for numbers: a click into one selects what is there, so that the next thing typed takes its place.

Their text begins where that of other fields does; a style sheet has no say in it.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QAbstractSpinBox
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import GAP


class SpinBox(QSpinBox):
    """For whole numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lineEdit().setTextMargins(GAP, 0, 0, 0)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        _select_after_click(self, event)


class DoubleSpinBox(QDoubleSpinBox):
    """For numbers with decimals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lineEdit().setTextMargins(GAP, 0, 0, 0)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        _select_after_click(self, event)


def _select_after_click(field: QAbstractSpinBox, event: QFocusEvent) -> None:
    if event.reason() == Qt.FocusReason.MouseFocusReason:
        # In a turn of its own: the press that gave the focus is handled after it, and puts the cursor somewhere.
        QTimer.singleShot(0, field, field.selectAll)
