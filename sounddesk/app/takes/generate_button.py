"""The button that makes takes: of what is selected, or of all objects."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QToolButton


class GenerateButton(QToolButton):
    """Says which of the two it does, and is as wide for either: else the panel, and the picture, would jump."""

    def show_scope(self, *, every: bool) -> None:
        """Whether a press makes takes of all objects."""
        self.setText(self.tr("Generate all") if every else self.tr("Generate"))
        self.setAccessibleName(self.tr("Generate all") if every else self.tr("Generate selected"))

    def sizeHint(self) -> QSize:  # noqa: N802
        hint, metrics = super().sizeHint(), self.fontMetrics()
        missing = metrics.horizontalAdvance(self.tr("Generate all")) - metrics.horizontalAdvance(self.text())
        return QSize(hint.width() + max(0, missing), hint.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()
