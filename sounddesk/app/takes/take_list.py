"""Takes as cards: sound, name, length, star, and whether a take is in use. A click plays, a drag places, Enter uses."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import QPoint
from PySide6.QtCore import QRect
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyledItemDelegate
from PySide6.QtWidgets import QStyleOptionViewItem
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.empty_text import EmptyTextList
from sounddesk.app.look.icons import draw_icon
from sounddesk.app.look.theme import BODY
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import PADDING
from sounddesk.app.look.theme import RADIUS
from sounddesk.app.look.theme import SMALL
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.plain_text import plain_tip
from sounddesk.domain.project import TakeMark
from sounddesk.domain.take import Take

TAKE_MIME: Final = "application/x-sounddesk-take"
_ID: Final = Qt.ItemDataRole.UserRole
_FACTS: Final = Qt.ItemDataRole.UserRole + 1
_HEIGHT: Final = 74
_LEAST_WIDTH: Final = 160
_STAR: Final = 20
_PLAY: Final = 30
_LINE: Final = 18
Index = QModelIndex | QPersistentModelIndex


class TakeList(EmptyTextList):
    """Signals, each with the take's id: play_requested, use_requested, star_requested; renamed(take_id, name).

    stop_requested(): a click on the card that plays.
    """

    play_requested = Signal(str)
    stop_requested = Signal()
    use_requested = Signal(str)
    star_requested = Signal(str)
    renamed = Signal(str, str)

    def __init__(self, picture_of: Callable[[str], QPixmap | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filling = False
        self._playing_id = ""
        self._was_double_click = False
        self.setAccessibleName(self.tr("Takes"))
        self.setItemDelegate(_Card(picture_of, lambda take_id: take_id == self._playing_id, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setUniformItemSizes(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.itemChanged.connect(self._on_changed)
        self.itemDoubleClicked.connect(lambda item: self.use_requested.emit(item.data(_ID)))

    def show_takes(self, takes: Sequence[tuple[Take, TakeMark]], *, in_use: set[str], heard: str) -> None:
        """Show these; `heard` is the take that is listened to in place of the one in use, empty for none."""
        self._filling = True
        chosen, current = set(self.selected_ids), self.current_id
        self.clear()
        for take, mark in takes:
            item = QListWidgetItem(mark.name or self.tr("Take {number}").format(number=take.number))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled)
            item.setData(_ID, take.id)
            item.setData(_FACTS, self._facts(take, mark, in_use=take.id in in_use, heard=take.id == heard))
            item.setToolTip(plain_tip("\n".join((*take.notes, self.tr("Click to listen, drag onto the timeline")))))
            words = [item.text(), *(each for each in item.data(_FACTS)["words"] if each)]
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(words))
            self.addItem(item)
            item.setSelected(take.id in chosen)
            if take.id == current:
                self.setCurrentItem(item)
        self._filling = False

    @property
    def ids(self) -> list[str]:
        """Of the cards, in order."""
        return [str(self.item(row).data(_ID)) for row in range(self.count())]

    @property
    def selected_ids(self) -> list[str]:
        """In the order of the list."""
        return [str(self.item(row).data(_ID)) for row in range(self.count()) if self.item(row).isSelected()]

    @property
    def current_id(self) -> str | None:
        item = self.currentItem()
        return None if item is None else str(item.data(_ID))

    def place_of(self, take_id: str, part: str) -> QPoint:
        """The middle of a part of a card, 'star' or 'play', in the viewport."""
        rect = self.visualItemRect(self.item(self.ids.index(take_id)))
        return (_star_rect(rect) if part == "star" else _play_rect(rect)).center()

    def show_playing(self, take_id: str) -> None:
        """Which take is heard alone; empty for none."""
        if take_id != self._playing_id:
            self._playing_id = take_id
            self.viewport().update()

    def edit_current(self) -> None:
        """Let the name of the current card be typed."""
        if self.currentItem() is not None:
            self.editItem(self.currentItem())

    def is_filling(self) -> bool:
        """Whether the list is being shown anew, so that changes of its selection are not the user's."""
        return self._filling

    def _facts(self, take: Take, mark: TakeMark, *, in_use: bool, heard: bool) -> dict[str, object]:
        peak = float(np.abs(take.waveform).max())
        level = self.tr("{peak:.1f} dBFS").format(peak=20 * math.log10(peak)) if peak > 0 else self.tr("silent")
        state = self.tr("listening") if heard else self.tr("in use") if in_use else ""
        length = self.tr("{seconds:.2f} s").format(seconds=take.seconds)
        stereo = self.tr("stereo") if take.channels == 2 else ""
        return {
            "starred": mark.starred,
            "in_use": in_use,
            "state": state,
            "line": "   ".join(filter(None, (length, level, stereo))),
            "words": (state, self.tr("starred") if mark.starred else "", length, level, stereo),
        }

    def _on_changed(self, item: QListWidgetItem) -> None:
        if not self._filling:
            self.renamed.emit(item.data(_ID), item.text())

    # ------------------------------------------------------------------ Qt

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._was_double_click = True
        super().mouseDoubleClickEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A plain click plays, or stops what plays; on the star it marks."""
        if self._was_double_click:
            # It put the take in use, which goes on sounding.
            self._was_double_click = False
            super().mouseReleaseEvent(event)
            return
        item = self.itemAt(event.position().toPoint())
        was_drag = self.state() == QAbstractItemView.State.DraggingState
        super().mouseReleaseEvent(event)
        plain = event.button() == Qt.MouseButton.LeftButton and event.modifiers() == Qt.KeyboardModifier.NoModifier
        if item is None or was_drag or not plain:
            return
        if _star_rect(self.visualItemRect(item)).adjusted(-6, -6, 6, 6).contains(event.position().toPoint()):
            self.star_requested.emit(item.data(_ID))
        elif item.data(_ID) == self._playing_id:
            self.stop_requested.emit()
        else:
            self.play_requested.emit(item.data(_ID))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not editing and self.current_id is not None:
            self.use_requested.emit(self.current_id)
        else:
            super().keyPressEvent(event)

    def mimeData(self, items: Sequence[QListWidgetItem]) -> QMimeData:  # noqa: N802
        data = QMimeData()
        data.setData(TAKE_MIME, str(items[0].data(_ID)).encode() if items else b"")
        return data


class _Card(QStyledItemDelegate):
    """Paints a card, and puts the field for a new name over the old one."""

    def __init__(
        self, picture_of: Callable[[str], QPixmap | None], is_playing: Callable[[str], bool], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._picture_of, self._is_playing = picture_of, is_playing

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802
        # The list gives every card its own width; one that was asked for would stay when the list is made narrower.
        return QSize(_LEAST_WIDTH, _HEIGHT)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: Index) -> None:  # noqa: N802
        rect = _body(option.rect)  # type: ignore[attr-defined]
        editor.setGeometry(rect.left() - GAP, rect.top() - 3, rect.width() - _STAR - GAP, _LINE + 6)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        facts, rect = index.data(_FACTS), option.rect  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(rect).adjusted(2, 2, -2, -2)
        painter.setPen(colour("accent" if facts["in_use"] or state & QStyle.StateFlag.State_HasFocus else "line"))
        painter.setBrush(colour("selection" if selected else "hover" if hovered else "raised"))
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        ink = colour("on_selection" if selected else "text")
        quiet = ink if selected else colour("muted")
        sign = "stop" if self._is_playing(str(index.data(_ID))) else "play"
        draw_icon(painter, sign, QRectF(_play_rect(rect)).adjusted(5, 5, -5, -5), ink)
        body = _body(rect)
        painter.setFont(font(BODY, bold=bool(facts["in_use"])))
        painter.setPen(ink)
        line = QRect(body.left(), body.top(), body.width() - _STAR - GAP, _LINE)
        name = str(index.data(Qt.ItemDataRole.DisplayRole))
        badge = str(facts["state"])
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, name)
        left = body.left() + painter.fontMetrics().horizontalAdvance(name) + PADDING
        painter.setFont(font(SMALL))
        if badge:
            self._badge(painter, badge, left, body.top())
        painter.setPen(quiet)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, str(facts["line"]))
        star = "star_on" if facts["starred"] else "star"
        draw_icon(painter, star, QRectF(_star_rect(rect)), colour("solo") if facts["starred"] else quiet)
        area = QRect(body.left(), body.top() + _LINE + GAP, body.width(), body.height() - _LINE - GAP)
        picture = self._picture_of(str(index.data(_ID)))
        painter.fillRect(area, colour("sunken"))
        if picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(area, picture)
        painter.restore()

    @staticmethod
    def _badge(painter: QPainter, text: str, left: int, top: int) -> None:
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * GAP + 2
        where = QRectF(left, top + 1, width, _LINE - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("accent"))
        painter.drawRoundedRect(where, RADIUS, RADIUS)
        painter.setPen(colour("on_accent"))
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, text)


def _body(rect: QRect) -> QRect:
    """What stands right of the play button."""
    return rect.adjusted(_PLAY + PADDING + GAP, PADDING, -PADDING - 2, -PADDING)


def _play_rect(rect: QRect) -> QRect:
    return QRect(rect.left() + PADDING, rect.center().y() - _PLAY // 2, _PLAY, _PLAY)


def _star_rect(rect: QRect) -> QRect:
    body = _body(rect)
    return QRect(body.right() - _STAR + 2, body.top(), _STAR - 2, _STAR - 2)
