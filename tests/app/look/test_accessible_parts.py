"""What a screen reader finds in what is painted: clips, markers, objects and levels, through Qt's accessibility."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAccessible
from PySide6.QtGui import QAccessibleInterface
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QWidget

from sounddesk.app.desk import open_window
from sounddesk.app.look.accessible_parts import AccessiblePart
from sounddesk.app.look.accessible_parts import AccessibleParts
from sounddesk.app.look.accessible_parts import install_accessible_parts
from sounddesk.app.main_window import MainWindow
from sounddesk.app.settings import Settings
from sounddesk.audio.playback.playback_levels import LaneLevel
from sounddesk.domain.timeline import Marker
from tests.app.conftest import wait_until

NAME, VALUE, DESCRIPTION = QAccessible.Text.Name, QAccessible.Text.Value, QAccessible.Text.Description


@pytest.fixture(scope="module")
def desk(qapp: QApplication) -> Iterator[MainWindow]:
    """The demo with its takes; nothing is generated."""
    install_accessible_parts()
    window = open_window(Settings())
    window.resize(1280, 800)
    window.app_commands.open_demo()
    wait_until(lambda: len(window.mixer.strips) == 4 and window.canvas.isVisible())
    yield window
    window.hide()
    window.shut_down()


@pytest.fixture(autouse=True, scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        patch.setattr(Settings.name_objects, "default", False)
        yield


def children(widget: QWidget) -> list[QAccessibleInterface]:
    interface = QAccessible.queryAccessibleInterface(widget)
    return [interface.child(index) for index in range(interface.childCount())]


def test_clips_are_children_of_the_timeline(desk: MainWindow) -> None:
    document = desk.services.document
    marked = document.project.with_marker(Marker(id="m1", time_s=1.5, label="bark"))
    document.commit("Mark", marked)
    found = children(desk.timeline)
    names = [each.text(NAME) for each in found]
    start_s = document.project.clips_of(document.project.objects[0].id)[0].start_s
    assert names[0] == f"cow, take 1, from {start_s:.2f} to {start_s + 6:.2f} s"
    assert names[-1] == "marker bark at 1.50 s"
    assert len(found) == len(document.project.clips) + 1
    clip = document.project.clips_of(document.project.objects[1].id)[0]
    desk.services.selection.select_clips([clip.id])
    sheep = children(desk.timeline)[1]
    assert sheep.state().selected
    assert not found[0].state().selected
    # Where it is on the screen.
    interface = QAccessible.queryAccessibleInterface(desk.timeline)
    middle = sheep.rect().center()
    assert desk.timeline.rect().contains(desk.timeline.mapFromGlobal(middle))
    assert interface.childAt(middle.x(), middle.y()).text(NAME) == sheep.text(NAME)
    assert interface.indexOfChild(sheep) == 1
    assert sheep.parent().text(NAME) == "Timeline"
    # A clip that is gone says nothing, and is no child any more.
    document.commit("Delete", dataclasses.replace(document.project, clips=()))
    assert not sheep.isValid()
    assert sheep.text(NAME) == ""
    assert [each.text(NAME) for each in children(desk.timeline)] == ["marker bark at 1.50 s"]
    document.undo()
    assert children(desk.timeline)[1].text(NAME) == names[1]


def test_objects_are_children_of_the_canvas(desk: MainWindow) -> None:
    document, canvas = desk.services.document, desk.canvas.canvas
    names = [each.name for each in document.project.objects]
    found = children(canvas)
    assert [each.text(NAME) for each in found] == names
    desk.services.selection.select_objects([document.project.objects[3].id])
    assert [bool(each.state().selected) for each in found] == [False, False, False, True]
    assert "% from the left" in found[3].text(DESCRIPTION)
    inside = canvas.mapFromGlobal(found[3].rect().center())
    x, y = canvas.viewport.to_image(inside.x(), inside.y())
    box = document.project.objects[3].mask.bounding_box
    assert box is not None
    assert box.left < x < box.right
    assert box.top < y < box.bottom


def test_meters_speak(desk: MainWindow) -> None:
    first = desk.services.document.project.objects[0]
    meter = desk.mixer.strips[first.id].meter
    interface = QAccessible.queryAccessibleInterface(meter)
    assert interface.role() == QAccessible.Role.ProgressBar
    assert interface.text(NAME) == "Level of cow"
    assert interface.text(VALUE) == "silent"
    desk.services.player.levels_changed.emit({first.id: LaneLevel(peaks=(0.5, 1.5), rms=(0.1, 0.1))})
    assert interface.text(VALUE) == "left -6.0, right 3.5 dBFS, clipped"
    meter.rest()
    meter.forget()
    assert interface.text(VALUE) == "silent"


class Few(AccessibleParts):
    """As many parts as it is told."""

    count = 3

    def parts(self) -> list[AccessiblePart]:
        here = QPoint(5, 5)
        part = QWidget().rect().translated(here)
        return [AccessiblePart(key=str(each), name=f"part {each}", rect=part) for each in range(self.count)]


def test_parts_and_widgets_come_and_go(qapp: QApplication) -> None:
    """Qt's cache and Python's collector must not both own an interface: that ends the process."""
    install_accessible_parts()
    for _ in range(30):
        widget = QWidget()
        parts = Few(widget, QAccessible.Role.List)
        assert [each.text(NAME) for each in children(widget)] == ["part 0", "part 1", "part 2"]
        parts.count = 1
        assert len(children(widget)) == 1
        gc.collect()
        parts.count = 2
        assert [each.text(NAME) for each in children(widget)] == ["part 0", "part 1"]
        widget.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        del widget, parts
        gc.collect()
    assert not children(QWidget())
