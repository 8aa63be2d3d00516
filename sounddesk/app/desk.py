"""Start of the window: `sounddesk desk [FILE]`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

import sounddesk
from sounddesk.app.look.accessible_parts import install_accessible_parts
from sounddesk.app.look.icons import app_icon
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.main_window import MainWindow
from sounddesk.app.project.working_copy import working_folder
from sounddesk.app.runtime.addon_notice import tell_unused_addon
from sounddesk.app.runtime.crash_reports import install_crash_reports
from sounddesk.app.runtime.garbage_collection import UiThreadGarbageCollector
from sounddesk.app.runtime.heavy_imports import load_what_comes_next
from sounddesk.app.services import Services
from sounddesk.app.settings import Settings
from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.path_text import user_data_folder

APP_ID: Final = "org.sounddesk.sounddesk"
"""The name under which desktops know the app: that of its launcher, `packaging/linux/APP_ID.desktop`."""
# Python's own 5 ms add up: a picture of many Qt calls then waits for two busy workers again and again. With 1 ms they
# held the window up three times as long in all as with this.
_TURN_S: Final = 0.0002
# After the window is there: an example that is opened at once is heard before the segmenter's libraries load.
_WARM_UP_AFTER_MS: Final = 2500


class DeskApplication(QApplication):
    """Hears of files that macOS opens: by an event, where other systems start the program with an argument.

    Signals: file_asked_for(Path): the file.
    """

    file_asked_for = Signal(Path)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self.file_asked_for.emit(Path(event.file()))
            return True
        return super().event(event)


def make_application(arguments: Sequence[str]) -> QApplication:
    """The Qt application with sounddesk's names, which decide where settings lie."""
    app = QApplication.instance() or DeskApplication(["sounddesk", *arguments])
    assert isinstance(app, QApplication)
    app.setApplicationName("sounddesk")
    app.setOrganizationName("sounddesk")
    app.setApplicationDisplayName("sounddesk")
    app.setApplicationVersion(sounddesk.__version__)
    app.setDesktopFileName(APP_ID)
    app.setWindowIcon(app_icon())
    # Each Qt call of the UI thread may wait so long for Python's lock while workers compute.
    sys.setswitchinterval(_TURN_S)
    UiThreadGarbageCollector(app)
    install_accessible_parts()
    return app


def open_window(
    settings: Settings, *, path: Path | None = None, bundle: str | None = None, device: str | None = None
) -> MainWindow:
    """Make and show the window; the file, where given, is opened once the window is there."""
    window = MainWindow(Services(settings, bundle=bundle, device=device))
    window.show()
    QTimer.singleShot(0, lambda: _after_start(window, path))
    return window


def _remove_leftovers(settings: Settings) -> None:
    """What killed processes left beside the projects and in the user's data; off the UI thread, disks may be slow."""
    folders = {path.parent for path in settings.recent_files}
    data = user_data_folder()
    folders |= {data, *(data / name for name in ("bundles", "models", "catalogues")), working_folder()}

    def work() -> None:
        for folder in sorted(folders):
            remove_leftovers(folder)

    threading.Thread(target=work, name="leftovers", daemon=True).start()


def _after_start(window: MainWindow, path: Path | None) -> None:
    load_what_comes_next()
    QTimer.singleShot(_WARM_UP_AFTER_MS, window, window.services.segment.warm_up)
    window.app_commands.tell_odd_settings()
    tell_unused_addon()
    window.app_commands.offer_crash_report()
    window.app_commands.offer_recovery(quietly=path is not None)
    if path is not None:
        window.files.open(path)


def run(path: Path | None = None, *, bundle: str | None = None, device: str | None = None) -> int:
    """Show the window until it is closed; the exit code."""
    app = make_application(())
    settings = Settings()
    install_crash_reports(settings)
    apply_theme(app, settings.theme)
    _remove_leftovers(settings)
    # Kept by the name: without one Python would end the window at once.
    window = open_window(settings, path=path, bundle=bundle, device=device)
    if isinstance(app, DeskApplication):
        app.file_asked_for.connect(window.files.open)
    code = app.exec()
    window.shut_down()
    del window
    return int(code)
