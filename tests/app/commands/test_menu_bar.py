"""The menu bar underlines its letters while Alt is held, and not otherwise."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.commands.menu_bar import MenuBar
from sounddesk.app.main_window import MainWindow


def test_letters_are_underlined_while_alt_is_held_wherever_the_keys_go(window: MainWindow) -> None:
    bar = window.menuBar()
    assert isinstance(bar, MenuBar)
    assert [bar.shown_title(each.text()) for each in bar.actions()][:2] == ["File", "Edit"]
    plain = bar.grab().toImage()
    for focused in (window.timeline, window.canvas.canvas, window.objects._list):
        focused.setFocus()
        QTest.keyPress(focused, Qt.Key.Key_Alt)
        assert bar.shown_title("&File") == "&File"
        assert bar.grab().toImage() != plain
        QTest.keyRelease(focused, Qt.Key.Key_Alt)
        # Alt alone gives the bar the keys, which then go back.
        focused.setFocus()
        assert not bar.shows_mnemonics and bar.shown_title("&File") == "File"
    # Alt and Tab leave for another window, which is told of the release.
    QTest.keyPress(window.timeline, Qt.Key.Key_Alt)
    window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    window.hide()
    QApplication.sendEvent(window, QEvent(QEvent.Type.ActivationChange))
    assert not bar.shows_mnemonics


def test_a_sign_in_a_title_stays_one(qapp: object) -> None:
    bar = MenuBar()
    assert bar.shown_title("Cut && &paste") == "Cut && paste"
    bar.show_mnemonics(True)
    assert bar.shown_title("Cut && &paste") == "Cut && &paste"
