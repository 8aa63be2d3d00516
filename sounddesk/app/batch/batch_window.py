"""The window of batches: the queue above, the results of the selected batch below."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSplitter
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_queue import BatchQueue
from sounddesk.app.batch.queue_list import QueueList
from sounddesk.app.batch.results_panel import ResultsPanel
from sounddesk.app.plain_text import PlainLabel


class BatchWindow(QDialog):
    """It does not block the main window, and closing it stops nothing.

    Signals: add_requested(); open_requested(id of the batch, Row).
    """

    add_requested = Signal()
    open_requested = Signal(str, object)

    def __init__(self, queue: BatchQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Batches"))
        self.setModal(False)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.resize(960, 680)
        self._queue = queue
        self.list = QueueList(queue)
        self.list.remove_requested.connect(self._remove)
        self.list.move_requested.connect(self._move)
        self.list.itemSelectionChanged.connect(self._on_selection)
        self.results = ResultsPanel(queue)
        self.results.open_requested.connect(self.open_requested)
        self.add_button = self._button(self.tr("&Add batch…"), self.add_requested.emit)
        self.pause_button = self._button(self.tr("&Pause"), self._pause)
        self.pause_button.setToolTip(self.tr("Stops after the step in hand; the next batch that waits begins"))
        self.resume_button = self._button(self.tr("&Resume"), self._resume)
        self.resume_button.setToolTip(self.tr("Goes on where it stopped, and tries again what failed"))
        self.cancel_button = self._button(self.tr("Ca&ncel"), self._cancel)
        self.cancel_button.setToolTip(self.tr("Stops it for good; what was rendered stays"))
        self.remove_button = self._button(self.tr("Remo&ve"), self._remove)
        self.remove_button.setToolTip(self.tr("Takes it out of this list; the files stay (Del)"))
        self.up_button = self._button(self.tr("Move &up"), lambda: self._move(-1))
        self.up_button.setToolTip(self.tr("Earlier in the queue (Alt+Up)"))
        self.down_button = self._button(self.tr("Move &down"), lambda: self._move(1))
        self.down_button.setToolTip(self.tr("Later in the queue (Alt+Down)"))
        self.pause_all_button = self._button(self.tr("Pause a&ll"), self._pause_all)
        row = QHBoxLayout()
        row.addWidget(self.add_button)
        row.addSpacing(12)
        for button in (self.pause_button, self.resume_button, self.cancel_button, self.remove_button):
            row.addWidget(button)
        row.addSpacing(12)
        row.addWidget(self.up_button)
        row.addWidget(self.down_button)
        row.addStretch(1)
        row.addWidget(self.pause_all_button)
        about = PlainLabel(self.tr("One batch runs at a time. You can close this window and go on working meanwhile."))
        about.setWordWrap(True)
        above = QWidget()
        upper = QVBoxLayout(above)
        upper.setContentsMargins(0, 0, 0, 6)
        upper.addWidget(about)
        upper.addWidget(self.list, 1)
        upper.addLayout(row)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(above)
        splitter.addWidget(self.results)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = box.button(QDialogButtonBox.StandardButton.Close)
        close.setAutoDefault(False)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(splitter, 1)
        layout.addWidget(box)
        queue.entry_changed.connect(lambda _id: self._update_buttons())
        queue.changed.connect(self._update_buttons)
        self._on_selection()
        self.list.setFocus()

    def _on_selection(self) -> None:
        current = self.list.current_id
        self.results.show_entry(None if current is None else self._queue.entry(current))
        self._update_buttons()

    def _update_buttons(self) -> None:
        entries = self._queue.entries
        chosen = set(self.list.selected_ids)
        selected = [each for each in entries if each.id in chosen]
        places = [place for place, each in enumerate(entries) if each.id in chosen]
        self.pause_button.setEnabled(any(each.is_active and not each.stopping for each in selected))
        # Of one that is done without gaps there is nothing left to resume.
        self.resume_button.setEnabled(
            any(not each.is_active and (each.state != "done" or bool(each.message)) for each in selected)
        )
        self.cancel_button.setEnabled(any(each.state in ("waiting", "running", "paused") for each in selected))
        self.remove_button.setEnabled(bool(selected))
        self.up_button.setEnabled(bool(places) and places[0] > 0)
        self.down_button.setEnabled(bool(places) and places[-1] < len(entries) - 1)
        self.pause_all_button.setEnabled(any(each.is_active for each in entries))

    def _pause(self) -> None:
        self._queue.pause(self.list.selected_ids)

    def _pause_all(self) -> None:
        # From the end, so that none of those that wait gets its turn.
        self._queue.pause([each.id for each in reversed(self._queue.entries)])

    def _resume(self) -> None:
        self._queue.resume(self.list.selected_ids)

    def _cancel(self) -> None:
        self._queue.cancel(self.list.selected_ids)

    def _remove(self) -> None:
        self._queue.remove(self.list.selected_ids)

    def _move(self, by: int) -> None:
        self._queue.move(self.list.selected_ids, by)

    def _button(self, text: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: slot())
        return button
