"""Dialogs that stay open beside the work, each at most once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QWidget

Dialog = TypeVar("Dialog", bound=QDialog)


def open_once(
    parent: QWidget, kind: type[Dialog], make: Callable[[], Dialog], *, same: Callable[[Dialog], bool] = lambda _: True
) -> Dialog:
    """Bring the dialog of `kind` that is open on `parent` to the front, else show what `make` makes.

    Args:
        same: whether a dialog is the one that is wanted, where there can be several of a kind.
    """
    for dialog in parent.findChildren(kind):
        if dialog.isVisible() and same(dialog):
            dialog.raise_()
            dialog.activateWindow()
            return dialog
    made = make()
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    made.show()
    return made
