"""The window is never larger than the screen, and always in sight."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QMainWindow

from sounddesk.app.main_window import MainWindow
from sounddesk.app.views.window_place import LIKED_SIZE
from sounddesk.app.views.window_place import fit_onto

LEAST = QSize(1150, 690)


@pytest.mark.parametrize(
    ("screen", "size", "maximised"),
    [
        (QRect(0, 0, 1280, 800), QSize(1280, 800), True),
        (QRect(0, 25, 1920, 860), QSize(1440, 860), True),
        (QRect(0, 0, 1600, 1000), LIKED_SIZE, False),
        # Smaller than the window can be made: it would be cut off in any case.
        (QRect(0, 0, 800, 600), LIKED_SIZE, False),
    ],
)
def test_it_is_as_large_as_the_screen_lets_it_be(qapp: object, screen: QRect, size: QSize, maximised: bool) -> None:
    window = QMainWindow()
    window.resize(LIKED_SIZE)
    fit_onto(window, screen, least=LEAST)
    assert (window.size(), window.isMaximized()) == (size, maximised)


def test_a_window_that_was_left_on_a_screen_that_is_gone_comes_into_sight(qapp: object) -> None:
    window = QMainWindow()
    window.setGeometry(QRect(2600, 100, 1200, 700))
    fit_onto(window, QRect(0, 30, 1920, 1050), least=LEAST)
    assert window.geometry() == QRect(0, 30, 1200, 700)


def test_full_screen_goes_back_to_what_was_before(window: MainWindow) -> None:
    full_screen = window.services.actions["view.full_screen"]
    for maximised in (False, True):
        if maximised:
            window.showMaximized()
        full_screen.trigger()
        assert window.isFullScreen()
        full_screen.trigger()
        assert (window.isFullScreen(), window.isMaximized(), window.isVisible()) == (False, maximised, True)
