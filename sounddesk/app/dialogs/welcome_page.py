"""The first thing to see: open an image, look at the demo, go on with recent work."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.settings import Settings
from sounddesk.storage.path_text import home_folder

_WIDTH: Final = 560


class WelcomePage(QWidget):
    """Signals: open_requested(); open_path_requested(Path); demo_requested()."""

    open_requested = Signal()
    open_path_requested = Signal(object)
    demo_requested = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        title = PlainLabel(self.tr("sounddesk"))
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 2.2)
        font.setBold(True)
        title.setFont(font)
        about = PlainLabel(
            self.tr(
                "Click on the things in a still image and give each one a sound of its own.\n"
                "Balance them, place them in time, and export one stem per object."
            )
        )
        about.setWordWrap(True)
        open_button = QPushButton(self.tr("Open an image, movie or project…"))
        open_button.setDefault(True)
        open_button.clicked.connect(self.open_requested)
        demo_button = QPushButton(self.tr("Look at the demo"))
        demo_button.clicked.connect(self.demo_requested)
        for button in (open_button, demo_button):
            button.setMinimumHeight(36)
        buttons = QHBoxLayout()
        buttons.addWidget(open_button, 1)
        buttons.addWidget(demo_button, 1)
        hint = PlainLabel(self.tr("Or drop an image or a movie here: PNG, JPEG, TIFF, WebP, MOV, MP4 and others."))
        hint.setEnabled(False)
        self._recent_title = PlainLabel(self.tr("Recent"))
        self._recent = QListWidget()
        self._recent.setAccessibleName(self.tr("Recent files"))
        self._recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._recent.itemActivated.connect(self._open_item)
        self._recent.itemClicked.connect(self._open_item)
        middle = QVBoxLayout()
        middle.addStretch(1)
        for widget in (title, about):
            middle.addWidget(widget)
        middle.addSpacing(16)
        middle.addLayout(buttons)
        middle.addWidget(hint)
        middle.addSpacing(16)
        middle.addWidget(self._recent_title)
        middle.addWidget(self._recent)
        middle.addStretch(2)
        column = QWidget()
        column.setLayout(middle)
        column.setMaximumWidth(_WIDTH)
        whole = QHBoxLayout(self)
        whole.addStretch(1)
        whole.addWidget(column, 10)
        whole.addStretch(1)
        settings.changed.connect(lambda name: self.refresh() if name == "recent_files" else None)
        self.refresh()

    def refresh(self) -> None:
        """List the recent files that are still there."""
        self._recent.clear()
        for path in self._settings.recent_files:
            item = QListWidgetItem(f"{path.name}   ·   {_short(path.parent)}")
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(plain_tip(str(path)))
            self._recent.addItem(item)
        has_any = self._recent.count() > 0
        self._recent_title.setVisible(has_any)
        self._recent.setVisible(has_any)
        rows = min(self._recent.count(), 8)
        self._recent.setMaximumHeight(max(1, rows) * max(18, self._recent.sizeHintForRow(0)) + 8)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  # Qt's name
        self.refresh()
        super().showEvent(event)

    def _open_item(self, item: QListWidgetItem) -> None:
        self.open_path_requested.emit(Path(item.data(Qt.ItemDataRole.UserRole)))


def _short(folder: Path) -> str:
    text, home = str(folder), str(home_folder())
    return "~" + text[len(home) :] if len(home) > 1 and text.startswith(home) else text
