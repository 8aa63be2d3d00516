"""What a new user does first, with real events: open the demo, hear it, delete an object, come back later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDockWidget

from sounddesk.app.desk import open_window
from sounddesk.app.main_window import MainWindow
from sounddesk.app.settings import Settings
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[MainWindow]:
    window = open_window(Settings())
    window.resize(1280, 800)
    window.app_commands.open_demo()
    wait_until(lambda: bool(window.services.document.project.objects))
    QApplication.processEvents()
    yield window
    window.hide()
    window.shut_down()


def test_the_demo_sounds_and_the_image_stays_where_it_is(desk: MainWindow) -> None:
    document, player = desk.services.document, desk.services.player
    assert len(document.takes) == len(document.project.objects) == len(document.project.clips)
    wait_until(lambda: all(player.samples_of(take.id) is not None for take in document.takes))
    player._take_over()
    assert player._playback._mix is not None
    assert abs(player._playback._mix.render(0, 48_000)).max() > 0.01
    # Nor does its mix clip.
    assert abs(player._playback._mix.render(0, 480_000)).max() < 10 ** (-1 / 20)
    # Options come and go with the tool; the image stays where it is.
    places = set()
    for name in ("click", "brush", "magic", "polygon"):
        desk.services.actions[f"tool.{name}"].trigger()
        QApplication.processEvents()
        places.add((desk.canvas.canvas.mapTo(desk, desk.canvas.canvas.rect().topLeft()), desk.canvas.canvas.height()))
    assert len(places) == 1


def test_delete_in_the_list_deletes_what_is_selected_there(desk: MainWindow) -> None:
    document, objects = desk.services.document, desk.objects._list
    first = document.project.objects[0]
    desk.services.selection.select_objects([first.id])
    desk.services.selection.select_clips([document.project.clips[1].id])
    clips = len(document.project.clips)
    objects.setFocus()
    QTest.keyClick(objects, Qt.Key.Key_Delete)
    assert first.id not in [each.id for each in document.project.objects]
    assert len(document.project.clips) == clips - 1
    QTest.keyClick(objects, Qt.Key.Key_Escape)
    assert desk.services.selection.object_ids == ()


def test_views_are_as_they_were_left(desk: MainWindow, tmp_path: Path) -> None:
    assert succeeds(desk.services.store.save_as, tmp_path / "farm.sdesk")
    desk.timeline.set_unit("timecode")
    desk.services.actions["timeline.spectrograms"].trigger()
    desk.services.player.set_loop((1.0, 2.5), on=False)
    assert succeeds(desk.services.store.new)
    assert desk.services.player.loop_s is None
    again = open_window(Settings())
    assert again.timeline.unit == "timecode"
    assert again.services.actions["timeline.spectrograms"].isChecked()
    assert again.timeline._pictures.show_spectrograms
    assert succeeds(again.services.store.open, tmp_path / "farm.sdesk")
    assert (again.services.player.loop_s, again.services.player.is_looping) == ((1.0, 2.5), False)
    again.hide()
    again.shut_down()


def test_panels_come_with_a_picture_and_as_they_were_left(qapp: QApplication) -> None:
    window = open_window(Settings())
    docks = window.findChildren(QDockWidget)
    QApplication.processEvents()
    assert docks
    assert not [dock.windowTitle() for dock in docks if dock.isVisible()]
    window.app_commands.open_demo(with_takes=False)
    wait_until(lambda: bool(window.services.document.project.objects) and docks[0].isVisible())
    window.services.actions["view.mixer"].trigger()
    assert succeeds(window.services.store.new)
    wait_until(lambda: not any(dock.isVisible() for dock in docks))
    window.app_commands.open_demo(with_takes=False)
    wait_until(lambda: docks[0].isVisible())
    assert [dock.objectName() for dock in docks if dock.isHidden()] == ["dock_mixer"]
    window.hide()
    window.shut_down()


def test_a_click_on_a_still_plays_it(qapp: QApplication) -> None:
    window = open_window(Settings())
    QApplication.processEvents()
    for name in ("shore", "meadow"):
        QTest.mouseClick(window.welcome.stills[name], Qt.MouseButton.LeftButton)
        wait_until(lambda: window.services.player.is_playing and window.canvas.isVisible())
        document = window.services.document
        # The sound that begins soonest is at the very beginning.
        assert min(clip.start_s for clip in document.project.clips) == 0.0
        assert len(document.takes) == 2
        window.services.player.stop()
        assert succeeds(window.services.store.new)
        wait_until(window.welcome.isVisible)
    window.hide()
    window.shut_down()
