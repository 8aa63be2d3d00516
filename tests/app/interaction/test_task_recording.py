"""A task is counted from its beginning to its form, and only where somebody asked for it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.interaction.task_dialogs import TaskBeginDialog
from sounddesk.app.interaction.task_dialogs import TaskEndDialog
from sounddesk.app.interaction.task_recording import TaskRecording
from sounddesk.storage.task_log import own_task_log
from sounddesk.storage.task_log import read_tasks
from tests.app.conftest import wait_until


class Queue(QObject):
    """The one signal of the generation queue that is listened to."""

    queued = Signal(object)


class Parts(QObject):
    """Of the window's services, those that recording asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.actions = CommandRegistry(self)
        self.generate = Queue(self)


@pytest.fixture
def window(qapp: QApplication) -> QWidget:
    window = QPushButton("press")
    window.show()
    yield window
    window.close()


@pytest.fixture
def recording(window: QWidget) -> TaskRecording:
    parts = Parts()
    made = TaskRecording(parts, window)
    made.parts = parts
    return made


def shown(window: QWidget, kind: type[QDialog]) -> QDialog:
    return next(each for each in window.findChildren(kind) if each.isVisible())


def begin(recording: TaskRecording, window: QWidget) -> None:
    recording.parts.actions["help.task"].trigger()
    dialog = shown(window, TaskBeginDialog)
    dialog.task.setText(" baby laughs and puppy barks ")
    dialog.participant.setText("p1")
    dialog.accept()


def attempt(recording: TaskRecording) -> None:
    """One press of Generate, which makes two jobs."""
    recording.parts.generate.queued.emit(None)
    recording.parts.generate.queued.emit(None)
    QApplication.processEvents()


def test_a_task_is_counted_rated_and_kept(recording: TaskRecording, window: QWidget) -> None:
    attempt(recording)  # before: not counted
    begin(recording, window)
    action = recording.parts.actions["help.task"]
    assert action.isChecked() and recording.recorder.running
    for _ in range(3):
        QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_G)
    shortcuts = list[bool]()
    shortcut = QShortcut(QKeySequence("M"), window)
    shortcut.activated.connect(lambda: shortcuts.append(True))
    window.activateWindow()
    wait_until(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_M)
    assert shortcuts == [True]
    attempt(recording)
    attempt(recording)
    action.trigger()
    form = shown(window, TaskEndDialog)
    form.satisfaction.setCurrentIndex(4)
    form.succeeded.setChecked(True)
    form.comment.setText("fine")
    form.accept()
    assert not action.isChecked() and not recording.recorder.running
    (kept,) = read_tasks(own_task_log())
    assert (kept.task, kept.participant, kept.method) == ("baby laughs and puppy barks", "p1", "sounddesk")
    assert (kept.attempts, kept.gestures, kept.satisfaction, kept.succeeded) == (2, 5, 4, True)
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton)
    attempt(recording)
    assert len(read_tasks(own_task_log())) == 1


def test_what_is_cancelled_changes_nothing(recording: TaskRecording, window: QWidget) -> None:
    action = recording.parts.actions["help.task"]
    action.trigger()
    shown(window, TaskBeginDialog).reject()
    assert not action.isChecked() and not recording.recorder.running
    begin(recording, window)
    action.trigger()
    shown(window, TaskEndDialog).reject()
    assert action.isChecked() and recording.recorder.running
    action.trigger()
    form = [each for each in window.findChildren(TaskEndDialog) if each.isVisible()][-1]
    form._discard()
    assert not action.isChecked() and not recording.recorder.running
    assert not own_task_log().exists()


def test_a_form_needs_a_task_and_a_rating(qapp: QApplication, recording: TaskRecording, window: QWidget) -> None:
    dialog = TaskBeginDialog("log")
    assert not dialog._begin.isEnabled()
    dialog.task.setText("  ")
    assert not dialog._begin.isEnabled()
    dialog.task.setText("bark")
    assert dialog._begin.isEnabled()
    begin(recording, window)
    form = TaskEndDialog(recording.recorder.counted())
    assert not form._keep.isEnabled()
    form.satisfaction.setCurrentIndex(1)
    assert form._keep.isEnabled()
    recording.recorder.end()


def test_a_window_that_closes_keeps_what_was_counted(recording: TaskRecording, window: QWidget) -> None:
    recording.close()
    assert not own_task_log().exists()
    begin(recording, window)
    attempt(recording)
    recording.close()
    (kept,) = read_tasks(own_task_log())
    assert (kept.attempts, kept.satisfaction, kept.succeeded) == (1, None, False)
