"""The row of buttons below a dialog."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox


def accent_default(box: QDialogButtonBox) -> None:
    """Show which button goes on by its colour, as the window does with 'Generate'."""
    for button in box.buttons():
        if box.buttonRole(button) == QDialogButtonBox.ButtonRole.AcceptRole:
            button.setProperty("accent", True)


def ok_and_cancel(dialog: QDialog) -> QDialogButtonBox:
    """OK, which accepts `dialog`, and Cancel, which rejects it."""
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    box.accepted.connect(dialog.accept)
    box.rejected.connect(dialog.reject)
    accent_default(box)
    return box
