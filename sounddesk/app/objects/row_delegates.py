"""What stands in the rows of objects: eyes and locks in place of boxes to tick, and a ring while takes are made."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractItemModel
from PySide6.QtCore import QEvent
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyledItemDelegate
from PySide6.QtWidgets import QStyleOptionViewItem
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.icons import icon_pixmap
from sounddesk.app.look.theme import PADDING
from sounddesk.app.look.theme import SMALL
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font

SHARE_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""How far the takes of a row's object are, from 0 to 1; None while none are made."""
COUNT_ROLE: Final = Qt.ItemDataRole.UserRole + 2
"""How many takes a row's object has."""
_ICON: Final = 18
_RING: Final = 14
Index = QModelIndex | QPersistentModelIndex


class FlagDelegate(QStyledItemDelegate):
    """An icon that stands for a tick: a click anywhere in the cell, or Space, turns it over."""

    def __init__(self, *, on: str, off: str, quiet: str, parent: QWidget) -> None:
        """`on`, `off`: names of icons; `quiet`: the one of them that is drawn faintly, as things are by default."""
        super().__init__(parent)
        self._icons = {True: on, False: off}
        self._quiet = quiet

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect, state = QRectF(option.rect), option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            painter.fillRect(rect, colour("selection" if selected else "hover"))
        name = self._icons[_is_on(index)]
        faint = "muted" if hovered else "disabled"
        ink = colour("on_selection" if selected else faint if name == self._quiet else "text")
        where = QRectF(0, 0, _ICON, _ICON)
        where.moveCenter(rect.center())
        # From the cache of icons, in the pixels of the screen: rows are painted at every change of an object.
        side = round(_ICON * painter.device().devicePixelRatioF())
        drawn = icon_pixmap(name, ink=ink.name(), side=side)
        painter.drawPixmap(where, drawn, QRectF(drawn.rect()))

    def editorEvent(  # noqa: N802  # Qt's name
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        if isinstance(event, QMouseEvent):
            mine = event.button() == Qt.MouseButton.LeftButton and option.rect.contains(event.position().toPoint())  # type: ignore[attr-defined]
            if event.type() == QEvent.Type.MouseButtonRelease and mine:
                return _turn_over(model, index)
            # The second press of a quick pair of clicks opens no field.
            return mine and event.type() == QEvent.Type.MouseButtonDblClick
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Space:
            return _turn_over(model, index)
        return False


class NameDelegate(QStyledItemDelegate):
    """The name with its cut-out; at the right the number of takes, and a ring that fills while takes are made."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        share, count = index.data(SHARE_ROLE), index.data(COUNT_ROLE) or 0
        whole, state = QRectF(option.rect), option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        figures = QFontMetrics(font(SMALL)).horizontalAdvance(str(count)) if count else 0
        taken = (PADDING + figures if count else 0) + (PADDING + _RING if share is not None else 0)
        if taken and (selected or state & QStyle.StateFlag.State_MouseOver):
            painter.fillRect(whole, colour("selection" if selected else "hover"))
        narrowed = QStyleOptionViewItem(option)
        narrowed.rect = option.rect.adjusted(0, 0, -taken, 0)  # type: ignore[attr-defined]
        super().paint(painter, narrowed, index)
        if count:
            painter.save()
            painter.setFont(font(SMALL))
            painter.setPen(colour("on_selection" if selected else "muted"))
            right = whole.right() - PADDING - (PADDING + _RING if share is not None else 0)
            place = QRectF(right - figures, whole.top(), figures + 1, whole.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, str(count))
            painter.restore()
        if share is not None:
            self._ring(painter, whole, share)

    @staticmethod
    def _ring(painter: QPainter, rect: QRectF, share: float) -> None:
        where = QRectF(rect.right() - PADDING - _RING, rect.center().y() - _RING / 2, _RING, _RING)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour("frame"), 2))
        painter.drawEllipse(where)
        painter.setPen(QPen(colour("accent"), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        # In sixteenths of a degree, from the top and clockwise; a little of it is there from the start.
        painter.drawArc(where, 90 * 16, -round(max(0.04, share) * 360 * 16))
        painter.restore()


def _is_on(index: Index) -> bool:
    return Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Checked


def _turn_over(model: QAbstractItemModel, index: Index) -> bool:
    state = Qt.CheckState.Unchecked if _is_on(index) else Qt.CheckState.Checked
    return model.setData(index, state, Qt.ItemDataRole.CheckStateRole)
