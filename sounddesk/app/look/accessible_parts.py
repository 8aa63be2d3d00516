"""What painted widgets tell a screen reader: the parts that they are drawn of, as children, and what they read.

Qt asks for an interface when an assistive tool looks at a widget; nothing is made before.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QPoint
from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtGui import QAccessibleEvent
from PySide6.QtGui import QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, kw_only=True)
class AccessiblePart:
    """A part of a painted widget.

    Attributes:
        key: its own among the widget's parts, the same for as long as it is the same thing.
        rect: in pixels of the widget; where it is scrolled out of sight, outside of it.
    """

    key: str
    name: str
    rect: QRect
    description: str = ""
    selected: bool = False


class AccessibleParts(QObject):
    """Of one widget. Subclasses say what there is to read."""

    def __init__(self, widget: QWidget, role: QAccessible.Role) -> None:
        super().__init__(widget)
        self.widget = widget
        self.role = role
        self._made: dict[str, _PartInterface] = {}
        # Qt's cache keeps what it was told of: it must forget them before Python does.
        widget.destroyed.connect(functools.partial(_forget_all, self._made))

    def parts(self) -> Sequence[AccessiblePart]:
        """The widget's parts, in reading order."""
        return ()

    def value(self) -> str:
        """What the widget reads, such as a level; empty for nothing."""
        return ""

    def child(self, index: int) -> _PartInterface | None:
        """The interface of a part by its place."""
        parts = self.parts()
        for key in self._made.keys() - {each.key for each in parts}:
            _forget(self._made.pop(key))
        if not 0 <= index < len(parts):
            return None
        key = parts[index].key
        if key not in self._made:
            self._made[key] = _PartInterface(self, key)
            QAccessible.registerAccessibleInterface(self._made[key])
        return self._made[key]

    def find(self, key: str) -> AccessiblePart | None:
        """A part by its key; None where it is gone."""
        return next((each for each in self.parts() if each.key == key), None)

    def tell_selection(self) -> None:
        """Have an assistive tool read what is selected now."""
        if not QAccessible.isActive():
            return
        for index, each in enumerate(self.parts()):
            if each.selected:
                event = QAccessibleEvent(self.widget, QAccessible.Event.Selection)
                event.setChild(index)
                QAccessible.updateAccessibility(event)
                break


class _PartInterface(QAccessibleInterface):
    """A part, asked by an assistive tool; it may be gone by then."""

    def __init__(self, source: AccessibleParts, key: str) -> None:
        super().__init__()
        self.source, self.key = source, key

    def isValid(self) -> bool:  # noqa: N802  # Qt's names
        return self.source.find(self.key) is not None

    def object(self) -> QObject | None:  # type: ignore[override]
        return None

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        return QAccessible.queryAccessibleInterface(self.source.widget)

    def child(self, _index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    def childAt(self, _x: int, _y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # noqa: N802
        return None

    def childCount(self) -> int:  # noqa: N802
        return 0

    def indexOfChild(self, _child: QAccessibleInterface) -> int:  # noqa: N802
        return -1

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def state(self) -> QAccessible.State:
        state, part = QAccessible.State(), self.source.find(self.key)
        state.selectable = 1
        state.selected = int(part is not None and part.selected)
        state.invalid = int(part is None)
        state.offscreen = int(part is not None and not self.source.widget.rect().intersects(part.rect))
        return state

    def text(self, which: QAccessible.Text) -> str:
        part = self.source.find(self.key)
        if part is None:
            return ""
        return {QAccessible.Text.Name: part.name, QAccessible.Text.Description: part.description}.get(which, "")

    def setText(self, _which: QAccessible.Text, _text: str) -> None:  # noqa: N802
        """Names are edited where they are typed."""

    def rect(self) -> QRect:
        part = self.source.find(self.key)
        if part is None:
            return QRect()
        return QRect(self.source.widget.mapToGlobal(part.rect.topLeft()), part.rect.size())


class _WidgetInterface(QAccessibleWidget):
    """A widget with its parts and its value."""

    def __init__(self, source: AccessibleParts) -> None:
        super().__init__(source.widget, source.role)
        self._source = source

    def childCount(self) -> int:  # noqa: N802
        return len(self._source.parts())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return self._source.child(index)

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # noqa: N802
        at = self._source.widget.mapFromGlobal(QPoint(x, y))
        # The last one lies on top.
        hit = [index for index, each in enumerate(self._source.parts()) if each.rect.contains(at)]
        return self._source.child(hit[-1]) if hit else None

    def indexOfChild(self, child: QAccessibleInterface) -> int:  # noqa: N802
        keys = [each.key for each in self._source.parts()]
        return keys.index(child.key) if isinstance(child, _PartInterface) and child.key in keys else -1

    def text(self, which: QAccessible.Text) -> str:
        if which == QAccessible.Text.Value:
            return self._source.value()
        return str(super().text(which))


def _forget(interface: _PartInterface) -> None:
    QAccessible.deleteAccessibleInterface(QAccessible.uniqueId(interface))


def _forget_all(made: dict[str, _PartInterface], _widget: QObject | None = None) -> None:
    while made:
        _forget(made.popitem()[1])


def _interface_of(_class: str, thing: QObject | None) -> QAccessibleInterface | None:
    if not isinstance(thing, QWidget):
        return None
    source = thing.findChild(AccessibleParts, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return None if source is None else _WidgetInterface(source)


_installed: Final[list[bool]] = []


def install_accessible_parts() -> None:
    """Have Qt ask here for interfaces; again is the same as once."""
    if not _installed:
        _installed.append(True)
        QAccessible.installFactory(_interface_of)
