"""What was open lately, as a menu."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QWidget

from sounddesk.app.settings import Settings
from sounddesk.storage.path_text import home_folder


class RecentFilesMenu(QMenu):
    """Images and projects, newest first, the first nine with a digit to press; greyed out where there are none.

    Signals:
        open_requested(Path): the user chose this file.
    """

    open_requested = Signal(Path)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTitle(self.tr("Open &recent"))
        self._settings = settings
        settings.changed.connect(lambda name: self._enable() if name == "recent_files" else None)
        # Not before: an entry must not be deleted by what it does. And files go away while the window is open.
        self.aboutToShow.connect(self._fill)
        self._enable()

    def _enable(self) -> None:
        self.menuAction().setEnabled(bool(self._settings.recent_files))

    def _fill(self) -> None:
        self.clear()
        for number, path in enumerate(self._settings.recent_files, start=1):
            digit = f"&{number}  " if number < 10 else ""
            chosen = self.addAction(digit + recent_file_text(path).replace("&", "&&"))
            chosen.triggered.connect(partial(self.open_requested.emit, path))
        self.addSeparator()
        self.addAction(self.tr("&Clear this list")).triggered.connect(self._settings.clear_recent_files)


def recent_file_text(path: Path) -> str:
    """A file as lists of recent ones show it: its name, and the folder with '~' for the user's own."""
    home, folder = home_folder(), path.parent
    # Not where the home folder is the root, as in a container.
    if home != Path(home.anchor) and folder.is_relative_to(home):
        folder = "~" / folder.relative_to(home)
    return f"{path.name}   ·   {folder}"
