"""Fields for numbers whose text begins where that of other fields does: a style sheet has no say in it."""

from __future__ import annotations

from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.theme import GAP


class SpinBox(QSpinBox):
    """For whole numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lineEdit().setTextMargins(GAP, 0, 0, 0)


class DoubleSpinBox(QDoubleSpinBox):
    """For numbers with decimals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lineEdit().setTextMargins(GAP, 0, 0, 0)
