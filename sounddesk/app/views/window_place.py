"""Where the window stands and how large it is: as large as it likes to be, and never larger than the screen."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMainWindow

LIKED_SIZE: Final = QSize(1440, 900)
"""Of a window that was never open before, in logical pixels."""


def fit_onto(window: QMainWindow, available: QRect, *, least: QSize) -> None:
    """Make a window that is not shown yet no larger than the screen, and have it in sight.

    What had to be made smaller opens maximised: a frame around it would be out of sight, and how thick frames are is
    known only after one was made. Without a window manager that does it, the window just has the screen's size.

    Args:
        available: of the screen, without bars and docks.
        least: how small the window can be made with its panels; on a smaller screen nothing is changed, as it would be
            cut off in any case.
    """
    if least.width() > available.width() or least.height() > available.height():
        return
    size = window.size().boundedTo(available.size())
    if size != window.size():
        window.resize(size)
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    # A window that was left on a screen that is gone would be out of sight.
    if not available.intersects(window.geometry()):
        window.move(available.topLeft())
