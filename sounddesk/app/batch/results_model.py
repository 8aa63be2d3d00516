"""The sounds of a batch as a table: frame, object, what became of it, how loud it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any
from typing import Final

from PySide6.QtCore import QAbstractTableModel
from PySide6.QtCore import QModelIndex
from PySide6.QtCore import QObject
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtCore import Qt

from sounddesk.domain.batch_manifest import Key
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.frame_sequence import natural_key

COLUMNS: Final = 4
_Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


class ResultsModel(QAbstractTableModel):
    """Rows of a manifest in natural order of the frames. Rows about frames as a whole are shown where they failed, or
    where nothing sounds in the frame.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[Key, Row] = {}
        self._order: list[tuple[Any, Key]] = []

    # ------------------------------------------------------------------ contents

    @property
    def rows(self) -> dict[Key, Row]:
        """The newest row of each key, those that are not shown too."""
        return dict(self._rows)

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Show the newest of these, given oldest first."""
        self.beginResetModel()
        self._rows = newest_rows(rows)
        self._order = sorted((_place(row), key) for key, row in self._rows.items() if _is_shown(row))
        self.endResetModel()

    def put(self, row: Row) -> None:
        """Add a row, in place of an older one."""
        self._rows[row.key] = row
        item = (_place(row), row.key)
        at = bisect_left(self._order, item)
        known = at < len(self._order) and self._order[at] == item
        if known and _is_shown(row):
            self.dataChanged.emit(self.index(at, 0), self.index(at, COLUMNS - 1))
        elif known:
            self.beginRemoveRows(_ROOT, at, at)
            del self._order[at]
            self.endRemoveRows()
        elif _is_shown(row):
            self.beginInsertRows(_ROOT, at, at)
            self._order.insert(at, item)
            self.endInsertRows()

    def row_at(self, index: _Index) -> Row | None:
        """What a line of the table stands for."""
        return self._rows[self._order[index.row()][1]] if index.isValid() else None

    # ------------------------------------------------------------------ what Qt asks

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        return 0 if parent.isValid() else COLUMNS

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (self.tr("Frame"), self.tr("Object"), self.tr("Level"), self.tr("State"))[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return (self._frame(row), self._object(row), _level(row), self._state(row))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(text for text in (row.error, *row.notes) if text) or None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 2:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _frame(self, row: Row) -> str:
        return row.frame or self.tr("whole shot")

    def _object(self, row: Row) -> str:
        if not row.object:
            return self.tr("(the frame)")
        return f"{row.object}, {self.tr('take')} {row.take}" if row.take > 1 else row.object

    def _state(self, row: Row) -> str:
        if row.status == "failed":
            return self.tr("failed: {why}").format(why=row.error or "")
        if row.status == "absent":
            return self.tr("not in this frame")
        return self.tr("done") if row.object else self.tr("nothing sounds here")


def _place(row: Row) -> tuple[Any, str, int]:
    return natural_key(row.frame), row.object, row.take


def _is_shown(row: Row) -> bool:
    return bool(row.object) or row.status == "failed" or not row.objects


def _level(row: Row) -> str:
    lufs, peak = row.levels.get("lufs"), row.levels.get("peak_dbfs")
    if isinstance(lufs, int | float):
        return f"{lufs:.1f} LUFS"
    return f"{peak:.1f} dBFS" if isinstance(peak, int | float) else ""
