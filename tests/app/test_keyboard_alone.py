"""A whole job without a mouse: paint an object, generate, listen, use, balance, place, export."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QWidget

from sounddesk.app.main_window import MainWindow
from tests.app.conftest import wait_until


def press(*keys: str) -> None:
    """Keys as the keyboard sends them: to what has the focus, in the window or the dialog in front."""
    for each in keys:
        combination = QKeySequence(each)[0]
        target = QApplication.focusWidget()
        assert target is not None, f"nothing has the focus for {each}"
        QTest.keyClick(target, combination.key(), combination.keyboardModifiers())


def tab_to(wanted: QWidget) -> None:
    """Go on with Tab until a widget has the focus; it must be reached within the window's own round."""
    for _ in range(200):
        if wanted.hasFocus():
            return
        press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by Tab")


def test_a_full_job_by_the_keyboard(window: MainWindow, tmp_path: Path) -> None:
    services = window.services
    document = services.document
    window.activateWindow()
    canvas = window.canvas.canvas
    canvas.setFocus()
    wait_until(canvas.hasFocus)
    # An object of one dab of the brush, in the upper left corner of the picture, which nothing else covers.
    before = len(document.project.objects)
    services.selection.select_objects(())
    press("B")
    for _ in range(12):
        press("Left")
        press("Up")
    press("Return")
    assert len(document.project.objects) == before + 1
    press("Ctrl+A")
    press("Ctrl+G")
    wait_until(lambda: len(document.takes) == before + 1, seconds=120)
    # The list of objects, its last row, and the take of it.
    tab_to(window.objects._list)
    press(*["Down"] * (before + 1))
    painted = document.project.objects[-1]
    assert services.selection.object_ids == (painted.id,)
    press("Ctrl+G")
    wait_until(lambda: len(document.takes.of_object(painted.id)) == 2, seconds=120)
    in_use = document.project.clips_of(painted.id)[0].take_id
    tab_to(window.takes._list)
    press("Down", "Down", "Shift+Space")
    wait_until(lambda: services.player.is_playing)
    press("Shift+Space", "Return")
    assert document.project.clips_of(painted.id)[0].take_id != in_use
    services.player.stop()
    tab_to(window.timeline)
    press("Right", "Alt+Right", "Alt+Down")
    (clip,) = document.project.clips_of(painted.id)
    assert (clip.start_s > 0.0, clip.gain_db) == (True, -1.0)
    press("M")
    assert document.project.object(painted.id).strip.muted
    press("Ctrl+Z")
    tab_to(window.mixer.strips[painted.id].fader)
    press("Down", "Down")
    assert document.project.object(painted.id).strip.gain_db == -1.0
    services.settings.export_folder = tmp_path / "out"
    press("Ctrl+E")
    wait_until(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    # Enter in the field that the dialog has chosen, its folder.
    QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)
    wait_until(lambda: len(list((tmp_path / "out").glob("*.wav"))) == before + 2, seconds=60)
