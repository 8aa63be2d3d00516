"""What sounddesk keeps on the disk, how much it is, and where: the last page of the preferences."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.export.drag_files import drag_folder
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.working_copy import working_folder
from sounddesk.app.runtime.revealing import reveal
from sounddesk.engine.catalogue.model_store import models_folder


class StoragePage(QWidget):
    """One line per folder. Nothing is removed from here: projects and other programs may still use what lies there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sizes: dict[Path, PlainLabel] = {}
        grid = QGridLayout(self)
        grid.setColumnStretch(0, 1)
        for row, (title, folder) in enumerate(
            (
                (self.tr("Published models"), models_folder()),
                (self.tr("Sounds dragged to other programs"), drag_folder()),
                (self.tr("Recovery copies of open projects"), working_folder()),
            )
        ):
            place = PlainLabel(str(folder))
            place.setWordWrap(True)
            place.setEnabled(False)
            self.sizes[folder] = PlainLabel(self.tr("counting…"))
            show = QPushButton(self.tr("Show"))
            show.setAccessibleName(self.tr("Show {what}").format(what=title))
            show.setEnabled(folder.is_dir())
            show.clicked.connect(partial(reveal, folder))
            grid.addWidget(PlainLabel(title), 2 * row, 0)
            grid.addWidget(self.sizes[folder], 2 * row, 1)
            grid.addWidget(show, 2 * row, 2)
            grid.addWidget(place, 2 * row + 1, 0, 1, 3)
        grid.setRowStretch(grid.rowCount(), 1)

    def show_size(self, folder: Path, size: int) -> None:
        self.sizes[folder].setText(size_text(size))


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none. Files that vanish meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_size
        except OSError:
            continue
    return total


def size_text(size: int) -> str:
    """For reading, e.g. '12.5 MB'."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
