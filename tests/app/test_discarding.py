"""*Discard* discards, and nothing that was named at the start is replaced by an offer to recover."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QPushButton

from sounddesk.app.desk import open_window
from sounddesk.app.dialogs.recovery_dialog import RecoveryDialog
from sounddesk.app.main_window import MainWindow
from sounddesk.app.project.recovery import find_recoverable
from sounddesk.app.settings import Settings
from sounddesk.resources_folder import resource
from tests.app.conftest import Told
from tests.app.conftest import wait_until


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[MainWindow]:
    """A window with the demo open and changed."""
    window = open_window(Settings())
    window.app_commands.open_demo(with_takes=False)
    document = window.services.document
    wait_until(lambda: bool(document.project.objects))
    document.commit("Rename", document.project.with_changed_object(document.project.objects[0].id, name="fox"))
    yield window
    window.hide()
    window.shut_down()


def click_on(button: QMessageBox.StandardButton) -> list[str]:
    """Click on a button of the next question; what it said."""
    said: list[str] = []

    def click() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(10, click)
            return
        said.append(f"{box.text()} {box.informativeText()}")
        QTest.mouseClick(box.button(button), Qt.MouseButton.LeftButton)

    QTimer.singleShot(10, click)
    return said


def test_what_is_discarded_is_not_offered_again(desk: MainWindow) -> None:
    said = click_on(QMessageBox.StandardButton.Discard)
    desk.services.actions["file.new"].trigger()
    wait_until(lambda: not desk.services.document.project.objects)
    desk.services.store.wait()
    assert find_recoverable() == []
    assert "recovery" not in said[0]


def test_what_is_changed_after_discarding_is_kept_again(desk: MainWindow) -> None:
    document = desk.services.document
    said = click_on(QMessageBox.StandardButton.Discard)
    # The file is not there: the project stays open.
    desk.files.open(Path("nowhere.sdesk").absolute())
    wait_until(lambda: bool(said) and bool(desk.findChildren(QMessageBox)))
    document.commit("Rename", document.project.with_changed_object(document.project.objects[0].id, name="wolf"))
    desk.services.store.close()
    (item,) = find_recoverable()
    assert item.name == "demo.webp"


def test_an_image_that_was_only_opened_is_not_offered(desk: MainWindow) -> None:
    document = desk.services.document
    document.commit("Empty", dataclasses.replace(document.project, objects=(), clips=()))
    desk.services.store.close()
    assert find_recoverable() == []


def test_a_file_named_at_the_start_is_not_replaced(desk: MainWindow, told: Told) -> None:
    desk.services.store.close()
    objects = desk.services.document.project.objects
    second = open_window(Settings(), path=resource("demo") / "scene.webp")
    document = second.services.document
    wait_until(lambda: document.project.image is not None)
    assert not second.findChildren(RecoveryDialog)
    assert any("earlier session" in each for each in told)
    document.commit("Add", dataclasses.replace(document.project, objects=objects[:1]))
    second.services.actions["file.recover"].trigger()
    (dialog,) = second.findChildren(RecoveryDialog)
    said = click_on(QMessageBox.StandardButton.Cancel)
    (button,) = [each for each in dialog.findChildren(QPushButton) if each.text() == "Recover"]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert said
    assert len(document.project.objects) == 1
    second.hide()
    second.shut_down()
