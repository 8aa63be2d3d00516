"""The row of buttons below a dialog."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox


def ok_and_cancel(dialog: QDialog) -> QDialogButtonBox:
    """OK, which accepts `dialog`, and Cancel, which rejects it."""
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    box.accepted.connect(dialog.accept)
    box.rejected.connect(dialog.reject)
    return box
