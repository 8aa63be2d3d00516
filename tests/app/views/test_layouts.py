"""Layouts of the panels: what each shows, and that it is as it was left."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDockWidget
from PySide6.QtWidgets import QToolButton

from sounddesk.app.desk import open_window
from sounddesk.app.main_window import MainWindow
from sounddesk.app.settings import Settings
from sounddesk.app.views.layouts import LAYOUTS
from tests.app.conftest import wait_until


def shown(window: MainWindow) -> set[str]:
    docks = window.findChildren(QDockWidget)
    return {each.objectName().removeprefix("dock_") for each in docks if not each.isHidden()}


def test_a_layout_shows_its_panels_in_its_sizes(window: MainWindow) -> None:
    QApplication.processEvents()
    heights = {}
    for name, layout in LAYOUTS.items():
        window.services.actions[f"view.layout_{name}"].trigger()
        QApplication.processEvents()
        assert shown(window) == layout.panels
        # The menu says the same.
        for panel in ("objects", "timeline", "mixer"):
            assert window.services.actions[f"view.{panel}"].isChecked() == (panel in layout.panels)
        assert [each for each in LAYOUTS if window.services.actions[f"view.layout_{each}"].isChecked()] == [name]
        heights[name] = window.canvas.canvas.height()
    assert heights["mix"] < heights["everything"] < heights["select"]
    # Panels of the user's own choice are none of the layouts.
    window.services.actions["view.mixer"].trigger()
    assert not any(window.services.actions[f"view.layout_{each}"].isChecked() for each in LAYOUTS)


def test_what_lies_behind_the_takes_needs_no_more_room_than_they_get(window: MainWindow) -> None:
    # Else the picture jumps where another of them is brought to the front.
    takes, library, shelf = (
        window.findChild(QDockWidget, f"dock_{name}").minimumSizeHint().width()
        for name in ("takes", "library", "shelf")
    )
    assert max(library, shelf) <= takes


def test_the_buttons_wait_for_a_picture(qapp: QApplication) -> None:
    window = open_window(Settings())
    corner = window.menuBar().cornerWidget()
    buttons = {each.text(): each for each in corner.findChildren(QToolButton)}
    assert list(buttons) == ["Select", "Mix", "Everything"]
    assert not any(each.isEnabled() for each in buttons.values())
    window.app_commands.open_demo(with_takes=False)
    wait_until(lambda: buttons["Mix"].isEnabled() and window.canvas.isVisible())
    buttons["Select"].click()
    assert shown(window) == LAYOUTS["select"].panels
    window.close()
    window.shut_down()
    again = open_window(Settings())
    again.app_commands.open_demo(with_takes=False)
    wait_until(lambda: again.canvas.isVisible() and bool(shown(again)))
    assert shown(again) == LAYOUTS["select"].panels
    again.hide()
    again.shut_down()
