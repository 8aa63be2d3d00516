"""The user's recordings: search them, hear them, lay them out as a take of the current object, drag them to a lane."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QMimeData
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import QUrl
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QProgressBar
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.menus import add_commands
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.empty_text import EmptyTextList
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.domain.recordings import FoundEvent
from sounddesk.engine.tasks import Progress

_EVENT: Final = Qt.ItemDataRole.UserRole
_MENU: Final = ("library.listen", "library.use", "", "library.like", "library.star", "library.reveal")
# While words are typed nothing is searched for.
_PAUSE_MS: Final = 200
_ROW: Final = 40


class RecordingList(EmptyTextList):
    """Signals: listen_requested(), use_requested(). Enter uses, Space plays, a drag carries the files."""

    listen_requested = Signal()
    use_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setUniformItemSizes(True)
        self.itemDoubleClicked.connect(lambda _item: self.use_requested.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.use_requested.emit()
        else:
            super().keyPressEvent(event)

    def mimeData(self, items: list[QListWidgetItem]) -> QMimeData:  # type: ignore[override]  # noqa: N802
        data = QMimeData()
        paths = dict.fromkeys(item.data(_EVENT).recording.path for item in items)
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        return data

    def show_found(self, found: tuple[FoundEvent, ...]) -> None:
        """List these, the best first."""
        self.clear()
        for each in found:
            item = QListWidgetItem(f"{'★ ' if each.recording.starred else ''}{each.recording.name}\n{facts_of(each)}")
            item.setData(_EVENT, each)
            item.setSizeHint(QSize(0, _ROW))
            item.setToolTip(plain_tip(f"{each.recording.path}\n{each.recording.tags.description}".strip()))
            self.addItem(item)
        if found:
            self.setCurrentRow(0)

    @property
    def selected(self) -> list[FoundEvent]:
        """What is selected, in the list's order."""
        return [item.data(_EVENT) for item in sorted(self.selectedItems(), key=self.row)]


class LibraryPanel(QWidget):
    """Shows what `Recordings` finds; what is done is done there.

    Signals:
        search_changed(): other words or filters are wanted.
    """

    search_changed = Signal()

    def __init__(self, actions: CommandRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QLineEdit(self)
        self.words.setClearButtonEnabled(True)
        self.words.setPlaceholderText(self.tr("Search your recordings"))
        self.words.setAccessibleName(self.tr("Words to search recordings by"))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.search_changed)
        self.words.textChanged.connect(lambda _text: self._pause.start())
        self.behaviour = QComboBox(self)
        self.behaviour.setAccessibleName(self.tr("How recordings sound over time"))
        for text, value in (
            (self.tr("All"), ""), (self.tr("Once"), "one-shot"), (self.tr("Repeating"), "repeating"),
            (self.tr("Textures"), "continuous"),
        ):  # fmt: skip
            self.behaviour.addItem(text, value)
        self.behaviour.currentIndexChanged.connect(lambda _index: self.search_changed.emit())
        self.starred = QCheckBox(self.tr("Starred"), self)
        self.commercial = QCheckBox(self.tr("Commercial use"), self)
        for box in (self.starred, self.commercial):
            box.toggled.connect(lambda _on: self.search_changed.emit())
        self.list = RecordingList(self)
        self.list.setAccessibleName(self.tr("Recordings found"))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._state = PlainLabel(parent=self)
        self._state.setWordWrap(True)
        self._state.setProperty("role", "small")
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the scan"))
        self._bar.hide()
        self._lay_out(actions)
        self._menu = QMenu(self)
        add_commands(self._menu, actions, _MENU)
        self.list.customContextMenuRequested.connect(
            lambda point: self._menu.popup(self.list.viewport().mapToGlobal(point))
        )

    def _lay_out(self, actions: CommandRegistry) -> None:
        first = QHBoxLayout()
        first.addWidget(self.words, 1)
        first.addWidget(command_button(QPushButton, actions, "library.for_object", self))
        filters = QHBoxLayout()
        for widget in (self.behaviour, self.starred, self.commercial):
            filters.addWidget(widget)
        filters.addStretch(1)
        buttons = QHBoxLayout()
        for command_id in ("library.listen", "library.use"):
            buttons.addWidget(command_button(QPushButton, actions, command_id, self))
        buttons.addStretch(1)
        for command_id in ("library.add_folder", "library.scan"):
            buttons.addWidget(command_button(QPushButton, actions, command_id, self))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(first)
        layout.addLayout(filters)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._state)
        layout.addWidget(self._bar)
        layout.addLayout(buttons)

    def set_words(self, text: str) -> None:
        """Show other words without searching for them."""
        self.words.blockSignals(True)
        self.words.setText(text)
        self.words.blockSignals(False)

    def show_state(self, text: str) -> None:
        """Say what is going on or missing: in the middle of the list while it is empty, else below it."""
        self._state.setText(text)
        self._state.setVisible(bool(text) and self.list.count() > 0)
        self.list.set_empty_text(text)

    def show_scan(self, progress: Progress | None) -> None:
        """How far a scan is; None while there is none."""
        self._bar.setVisible(progress is not None)
        if progress is not None:
            self._bar.setRange(0, max(1, progress.total))
            self._bar.setValue(progress.done)


def facts_of(found: FoundEvent) -> str:
    """Length, place, shape and licence of an event in one line."""
    shape, event = found.recording.format, found.event
    parts = [
        f"{event.seconds:.1f} s at {event.start_s:.1f} s",
        f"{shape.channels} ch {shape.sample_rate_hz / 1000:g} kHz",
        found.recording.behaviour,
        found.recording.licence,
    ]
    return " · ".join(part for part in parts if part)
