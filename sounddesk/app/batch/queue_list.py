"""The list of batches: name, state, progress, time left."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QProgressBar
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_queue import BatchQueue
from sounddesk.app.batch.queue_file import BatchEntry
from sounddesk.app.plain_text import plain_tip
from sounddesk.engine.tasks import duration_text

NAME, STATE, PROGRESS, LEFT = range(4)
_ID: Final = Qt.ItemDataRole.UserRole


class QueueList(QTreeWidget):
    """Signals: remove_requested() by Del; move_requested(by) by Alt and the arrow keys."""

    remove_requested = Signal()
    move_requested = Signal(int)

    def __init__(self, queue: BatchQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self.setObjectName("batches")
        self.setAccessibleName(self.tr("Batches"))
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHeaderLabels([self.tr("Batch"), self.tr("State"), self.tr("Progress"), self.tr("Time left")])
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in ((STATE, 120), (PROGRESS, 220), (LEFT, 120)):
            header.resizeSection(column, width)
        queue.changed.connect(self.reload)
        queue.entry_changed.connect(self._refresh)
        # The time left goes on while nothing else happens.
        self._tick = QTimer(self)
        self._tick.setInterval(1000)
        self._tick.timeout.connect(self._refresh_running)
        self._tick.start()
        self.reload()

    @property
    def selected_ids(self) -> list[str]:
        """In the order of the list."""
        return [str(item.data(NAME, _ID)) for item in self._items() if item.isSelected()]

    @property
    def current_id(self) -> str | None:
        item = self.currentItem()
        return None if item is None else str(item.data(NAME, _ID))

    def select(self, entry_id: str) -> None:
        """Show this batch alone."""
        for item in self._items():
            if item.data(NAME, _ID) == entry_id:
                self.setCurrentItem(item)

    def reload(self) -> None:
        """Read the queue again; what was selected stays so."""
        selected, current = set(self.selected_ids), self.current_id
        with QSignalBlocker(self):
            self.clear()
            for entry in self._queue.entries:
                item = QTreeWidgetItem()
                item.setData(NAME, _ID, entry.id)
                self.addTopLevelItem(item)
                bar = QProgressBar()
                bar.setAccessibleName(self.tr("Progress of {name}").format(name=title_of(entry)))
                self.setItemWidget(item, PROGRESS, bar)
                self._fill(item, entry)
            for item in self._items():
                if item.data(NAME, _ID) == current:
                    self.setCurrentItem(item)
            for item in self._items():
                item.setSelected(item.data(NAME, _ID) in selected)
        if self.current_id is None:
            for item in self._items()[:1]:
                self.setCurrentItem(item)
        self.itemSelectionChanged.emit()

    def state_text(self, entry: BatchEntry) -> str:
        """The state in the user's words."""
        if entry.stopping:
            return self.tr("stopping…")
        words = {
            "waiting": self.tr("waiting"),
            "running": self.tr("running"),
            "paused": self.tr("paused"),
            "done": self.tr("done"),
            "failed": self.tr("failed"),
            "cancelled": self.tr("cancelled"),
        }
        if entry.state == "running" and not entry.total:
            return self.tr("starting…")
        return self.tr("done, with gaps") if entry.state == "done" and entry.message else words[entry.state]

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        if event.key() == Qt.Key.Key_Delete:
            self.remove_requested.emit()
        elif alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_requested.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def _items(self) -> list[QTreeWidgetItem]:
        items = [self.topLevelItem(index) for index in range(self.topLevelItemCount())]
        return [item for item in items if item is not None]

    def _refresh(self, entry_id: str) -> None:
        entry = self._queue.entry(entry_id)
        for item in self._items():
            if entry is not None and item.data(NAME, _ID) == entry_id:
                self._fill(item, entry)

    def _refresh_running(self) -> None:
        entry = self._queue.running
        if entry is not None and self.isVisible():
            self._refresh(entry.id)

    def _fill(self, item: QTreeWidgetItem, entry: BatchEntry) -> None:
        state, left = self.state_text(entry), self._left_text(entry)
        unit = self.tr("sounds") if entry.request.bed else self.tr("frames")
        count = self.tr("{done} of {total} {unit}").format(done=entry.done, total=entry.total, unit=unit)
        item.setText(NAME, title_of(entry))
        item.setText(STATE, state)
        item.setText(LEFT, left)
        item.setToolTip(NAME, plain_tip(f"{entry.request.folder}\n{entry.request.out}"))
        item.setToolTip(STATE, plain_tip(entry.message))
        bar = self.itemWidget(item, PROGRESS)
        if isinstance(bar, QProgressBar):
            # Without a number of frames Qt would show a bar that never rests.
            bar.setRange(0, max(1, entry.total))
            bar.setValue(entry.done)
            bar.setFormat(count if entry.total else "")
        item.setData(
            NAME,
            Qt.ItemDataRole.AccessibleTextRole,
            ", ".join(each for each in (title_of(entry), state, count) if each),
        )

    def _left_text(self, entry: BatchEntry) -> str:
        if entry.state != "running" or entry.stopping:
            return ""
        left = self._queue.remaining_s(entry.id)
        return self.tr("not known yet") if left is None else duration_text(left)


def title_of(entry: BatchEntry) -> str:
    """'shot with street.sdesk into sounds', from the names of the folders."""
    request = entry.request
    what = request.project.name if request.project is not None else "proposed objects"
    return f"{request.folder.name}: {what} → {request.out.name}"
