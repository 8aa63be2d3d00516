"""Every text that a window shows, in labels, buttons, fields, tool tips and rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import QModelIndex
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QWidget

_ROWS: Final = 100
# Letters and digits of base 16, both kinds of them.
_HASH: Final = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{10,}\b")
_ONE_OF_MANY: Final = re.compile(r"\b1 (?!ms\b)[a-z]+[^s]s\b")


def shown_texts(root: QWidget) -> Iterator[tuple[str, str]]:
    """(what shows it, text), not empty, of `root` and all that is in it."""
    for widget in [root, *root.findChildren(QWidget)]:
        name = type(widget).__name__
        yield f"tip of {name}", widget.toolTip()
        if isinstance(widget, QLabel | QAbstractButton):
            yield name, widget.text()
        if isinstance(widget, QLineEdit):
            yield f"hint of {name}", widget.placeholderText()
        if isinstance(widget, QComboBox):
            yield from ((name, widget.itemText(row)) for row in range(widget.count()))
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            model, top = widget.model(), QModelIndex()
            for row in range(min(_ROWS, model.rowCount(top))):
                index = model.index(row, 0)
                yield f"row of {name}", str(index.data(Qt.ItemDataRole.DisplayRole) or "")
                yield f"tip of a row of {name}", str(index.data(Qt.ItemDataRole.ToolTipRole) or "")


def unfit_texts(root: QWidget) -> list[str]:
    """What no user should read: hashes, parts that were not filled in, addresses of objects, '1 takes', and tool tips
    that begin in the middle of a sentence.
    """
    found = []
    for where, text in shown_texts(root):
        # The fields for names of files explain their braces.
        braces = "{" in text and "{project}" not in text
        names = {each.text() for each in root.findChildren(QLabel)}
        small = where.startswith("tip") and text[:1].islower() and text not in names
        if _HASH.search(text) or braces or " at 0x" in text or _ONE_OF_MANY.search(text) or small:
            found.append(f"{where}: {text}")
    return found
