"""What the selected batch has made, each of it to be opened, shown in its folder, or heard on the summary page."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtCore import Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QTableView
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_queue import BatchQueue
from sounddesk.app.batch.queue_file import BatchEntry
from sounddesk.app.batch.result_project import recipe_of
from sounddesk.app.batch.results_model import ResultsModel
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.runtime.revealing import reveal
from sounddesk.app.workers.background import Background
from sounddesk.domain.batch_manifest import Row
from sounddesk.storage.batch_rows import read_rows

SUMMARY_PAGE: Final = "index.html"


class ResultsPanel(QWidget):
    """Signals: open_requested(id of the batch, Row); play_requested(path of a sound)."""

    open_requested = Signal(str, object)
    play_requested = Signal(object)

    def __init__(self, queue: BatchQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._entry: BatchEntry | None = None
        # What arrives while the manifest is being read.
        self._arrived: list[Row] | None = None
        self._background = Background(self, name="reading the results")
        self._background.done.connect(self._show_rows)
        self._background.failed.connect(self._on_unreadable)
        self.model = ResultsModel(self)
        self.table = QTableView()
        self.table.setObjectName("results")
        self.table.setAccessibleName(self.tr("Results of the selected batch"))
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate((260, 200, 110)):
            header.resizeSection(column, width)
        self.table.activated.connect(lambda _index: self.open_current())
        self.table.selectionModel().currentChanged.connect(lambda _new, _old: self._update_buttons())
        self.note = PlainLabel()
        self.note.setWordWrap(True)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.open_button = self._button(self.tr("&Open as project"), self.open_current)
        self.open_button.setToolTip(self.tr("The image of this frame with its objects, masks and takes (Enter)"))
        self.play_button = self._button(self.tr("&Play or stop"), self.play_current)
        self.play_button.setToolTip(self.tr("Listen to this sound (Space)"))
        self.table.installEventFilter(self)
        self.reveal_button = self._button(self.tr("Show in &folder"), self.reveal_current)
        self.page_button = self._button(self.tr("Su&mmary page"), self.open_page)
        self.page_button.setToolTip(self.tr("Thumbnails, players and levels of all frames, in the browser"))
        row = QHBoxLayout()
        for button in (self.play_button, self.open_button, self.reveal_button, self.page_button):
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.note)
        layout.addWidget(self.table, 1)
        layout.addLayout(row)
        queue.row_written.connect(self._on_row)
        queue.entry_changed.connect(self._on_entry)
        self._update_buttons()

    def show_entry(self, entry: BatchEntry | None) -> None:
        """Show what this batch has made so far."""
        same = entry is not None and self._entry is not None and entry.id == self._entry.id
        self._entry = entry
        self._say()
        if not same:
            self.model.set_rows([])
            if entry is not None:
                out = entry.request.out
                self._arrived = []
                self._background.start("rows", lambda: read_rows(out))
        self._update_buttons()

    @property
    def current(self) -> Row | None:
        return self.model.row_at(self.table.currentIndex())

    def open_current(self) -> None:
        row = self.current
        if row is not None and self._entry is not None and self._why_not(row) == "":
            self.open_requested.emit(self._entry.id, row)

    def play_current(self) -> None:
        """Listen to the current sound."""
        if self._sound is not None:
            self.play_requested.emit(self._sound)

    @property
    def _sound(self) -> Path | None:
        """File of the current row; None where it has none."""
        row, entry = self.current, self._entry
        path = None if row is None or entry is None or row.file is None else entry.request.out / row.file
        return path if path is not None and path.is_file() else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        """Space in the table plays."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Space:
            self.play_current()
            return True
        return super().eventFilter(watched, event)

    def reveal_current(self) -> None:
        """Show the sound in the file manager, or the folder where there is none."""
        row, entry = self.current, self._entry
        if entry is not None:
            path = entry.request.out / row.file if row is not None and row.file is not None else entry.request.out
            reveal(path)

    def open_page(self) -> None:
        """Show the summary in the browser."""
        if self._page is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._page)))

    def close_background(self) -> None:
        self._background.close()

    @property
    def _page(self) -> Path | None:
        page = None if self._entry is None else self._entry.request.out / SUMMARY_PAGE
        return page if page is not None and page.is_file() else None

    def _why_not(self, row: Row) -> str:
        """Why a result cannot be opened; empty where it can."""
        if not row.frame:
            return "" if row.status == "done" else self.tr("There is no sound yet: resume the batch.")
        if recipe_of(self.model.rows.get((row.frame, "", 0))) is None:
            return self.tr("This frame is not complete: let the batch finish it, or resume it.")
        return ""

    def _show_rows(self, _key: object, rows: list[Row]) -> None:
        arrived, self._arrived = self._arrived or [], None
        self.model.set_rows([*rows, *arrived])
        if self.model.rowCount():
            self.table.setCurrentIndex(self.model.index(0, 0))
        self._update_buttons()

    def _on_unreadable(self, _key: object, error: Exception) -> None:
        self._arrived = None
        self.note.setText(self.tr("The results cannot be read: {why}").format(why=error))

    def _on_row(self, entry_id: str, row: Row) -> None:
        if self._entry is None or entry_id != self._entry.id:
            return
        if self._arrived is not None:
            self._arrived.append(row)
            return
        self.model.put(row)
        if not self.table.currentIndex().isValid() and self.model.rowCount():
            self.table.setCurrentIndex(self.model.index(0, 0))
        self._update_buttons()

    def _on_entry(self, entry_id: str) -> None:
        if self._entry is not None and entry_id == self._entry.id:
            self._entry = self._queue.entry(entry_id)
            self._say()
            self._update_buttons()

    def _say(self) -> None:
        entry = self._entry
        if entry is None:
            self.note.setText(self.tr("Select a batch above to see what it has made."))
            return
        folder = self.tr("In {folder}").format(folder=entry.request.out.name)
        self.note.setToolTip(plain_tip(str(entry.request.out)))
        self.note.setText(f"{entry.message}\n{folder}" if entry.message else folder)

    def _update_buttons(self) -> None:
        row = self.current
        why = self.tr("Select a result first.") if row is None else self._why_not(row)
        self.open_button.setEnabled(why == "")
        self.open_button.setStatusTip(why)
        self.play_button.setEnabled(self._sound is not None)
        self.reveal_button.setEnabled(self._entry is not None)
        self.page_button.setEnabled(self._page is not None)

    def _button(self, text: str, slot: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: slot())
        return button
