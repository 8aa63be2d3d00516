"""At 1280 x 800 nothing is cut off or hidden, whatever the window shows, and it never grows by what it says."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QAbstractSlider
from PySide6.QtWidgets import QAbstractSpinBox
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDockWidget
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QScrollBar
from PySide6.QtWidgets import QTabBar
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.main_window import MainWindow
from sounddesk.app.notifications import notifier
from tests.app.conftest import wait_until

_OPERATED = (QAbstractButton, QAbstractSpinBox, QAbstractSlider, QComboBox, QLineEdit)
LONG = "the very old steam locomotive that stands on the second track"


@pytest.fixture
def desk(qapp: QApplication, window: MainWindow) -> MainWindow:
    apply_theme(qapp, "dark")
    wait_until(lambda: len(window.mixer.strips) == 4)
    window.resize(1280, 800)
    QApplication.processEvents()
    return window


def cut_off(window: MainWindow) -> list[str]:
    """What can be operated and is shown in part only. The mixer scrolls sideways: there the height counts."""
    whole = QRect(QPoint(), window.size())
    found = []
    for each in window.findChildren(QWidget):
        if not isinstance(each, _OPERATED) or isinstance(each, QScrollBar) or not each.isVisible():
            continue
        # A panel behind the tab of another one is visible to Qt, and shown nowhere.
        if any(dock.isAncestorOf(each) and dock.visibleRegion().isEmpty() for dock in window.findChildren(QDockWidget)):
            continue
        # Qt's own: the arrows of a row of tabs, the buttons of a dock's title.
        if isinstance(each.parent(), QTabBar) or each.objectName().startswith("qt_"):
            continue
        seen, wanted = each.visibleRegion().boundingRect(), each.rect()
        scrolled = window.mixer.isAncestorOf(each)
        if scrolled and seen.isEmpty():
            continue
        placed = QRect(each.mapTo(window, QPoint()), each.size())
        if seen.height() < wanted.height() or (not scrolled and (seen != wanted or not whole.contains(placed))):
            found.append(f"{type(each).__name__} {each.accessibleName() or each.objectName()!r}: {seen} of {wanted}")
    return found


def test_everything_fits_at_1280_by_800(desk: MainWindow) -> None:
    document, selection = desk.services.document, desk.services.selection
    first = document.project.objects[0]
    states = {
        "demo": lambda: None,
        "long name": lambda: document.commit("Rename", document.project.with_changed_object(first.id, name=LONG)),
        "selected": lambda: selection.select_objects([first.id]),
        "adding": lambda: desk.services.actions["mask.add_to_object"].trigger(),
        "brush": lambda: desk.services.actions["tool.brush"].trigger(),
        "fill": lambda: desk.services.actions["tool.fill"].trigger(),
        "suggesting": lambda: desk.canvas._suggestions.ask(),
        "told": lambda: notifier.info(LONG * 3),
        "without sound": lambda: desk.services.player.problem.emit(LONG * 3),
        "zoomed": lambda: desk.canvas.canvas.zoom(5.0),
    }
    for state, enter in states.items():
        enter()
        QApplication.processEvents()
        assert (desk.width(), desk.height()) == (1280, 800), state
        cut = cut_off(desk)
        assert not cut, f"{state}: {'; '.join(cut)}"
    desk.canvas._suggestions.end()


def test_the_strips_are_never_cut_below(desk: MainWindow) -> None:
    """Their faders shrink, down to a least height below which the panel cannot be made lower."""
    desk.resizeDocks([desk._docks[3]], [40], Qt.Orientation.Vertical)
    QApplication.processEvents()
    assert cut_off(desk) == []
    strip = next(iter(desk.mixer.strips.values()))
    assert strip.fader.height() >= strip.fader.minimumHeight()
