"""What is told is shown: lines that matter less in the status bar, failures in a box, all of it as plain text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMainWindow
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QPushButton

from sounddesk.app.notice_view import NoticeView
from sounddesk.app.notifications import Level
from sounddesk.app.notifications import Notice
from sounddesk.app.notifications import NoticeButton
from sounddesk.app.notifications import notifier
from sounddesk.app.workers.background import Background
from sounddesk.domain.errors import SounddeskError
from tests.app.conftest import wait_until


def shown(window: QMainWindow) -> list[QMessageBox]:
    return [box for box in window.findChildren(QMessageBox) if box.isVisible()]


def test_a_line_stands_in_the_status_bar_and_its_button_goes_with_it(qapp: object) -> None:
    window, pressed = QMainWindow(), []
    view = NoticeView(window)
    window.show()
    notifier.info("3 files are there", button=NoticeButton(text="Show", press=lambda: pressed.append("show")))
    assert window.statusBar().currentMessage() == "3 files are there"
    button = next(each for each in window.findChildren(QPushButton) if each.text() == "Show")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert pressed == ["show"]
    # What was done needs no button any more.
    assert not button.isVisible()
    notifier.info("3 files are there", button=NoticeButton(text="Show", press=lambda: None))
    assert button.isVisible()
    notifier.warning("No object is selected.", remedy="Click on one.")
    assert window.statusBar().currentMessage() == "No object is selected. Click on one."
    assert not button.isVisible() and shown(window) == []
    view.close()


def test_a_failure_is_one_box_however_often_it_is_told(qapp: object) -> None:
    window, pressed = QMainWindow(), []
    view = NoticeView(window)
    window.show()
    retry = NoticeButton(text="Try again", press=lambda: pressed.append("again"))
    for _ in range(3):
        notifier.error("It cannot be saved", cause="the disk is full", remedy="free some space", button=retry)
    (box,) = shown(window)
    assert (box.text(), box.informativeText()) == ("It cannot be saved.", "The disk is full.\nFree some space.")
    QTest.mouseClick(next(each for each in box.buttons() if each.text() == "Try again"), Qt.MouseButton.LeftButton)
    assert pressed == ["again"] and shown(window) == []
    notifier.error("It cannot be saved", cause="the disk is full", remedy="free some space", button=retry)
    assert len(shown(window)) == 1
    view.close()


def test_names_of_others_are_no_markup_in_a_box(qapp: object) -> None:
    window = QMainWindow()
    view = NoticeView(window)
    window.show()
    name = '<img src="/etc/hostname"><a href="file:///">here</a>'
    notifier.error(f"{name} cannot be opened", cause=name)
    (box,) = shown(window)
    labels = [label for label in box.findChildren(QLabel) if name in label.text()]
    assert len(labels) == 2
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    view.close()


def test_an_exception_says_its_cause_and_remedy(told: list[str]) -> None:
    notifier.failed(SounddeskError("seconds is 900", remedy="choose at most 600"))
    notifier.failed(MemoryError(), title="dog could not be generated.")
    assert told == ["error: seconds is 900: choose at most 600.", "error: dog could not be generated. MemoryError."]


def test_a_refusal_is_a_warning_of_the_same_parts() -> None:
    notices: list[Notice] = []
    connection = notifier.noticed.connect(notices.append)
    error = SounddeskError("there is no mask yet", remedy="paint one")
    notifier.refused(error, title="Objects are not named.")
    notifier.noticed.disconnect(connection)
    (notice,) = notices
    parts = {"title": "Objects are not named.", "cause": "there is no mask yet", "remedy": "paint one"}
    assert notice == Notice(level=Level.WARNING, **parts)
    assert notice.line == "Objects are not named. There is no mask yet: paint one."


def test_a_closed_window_shows_nothing_and_threads_may_tell(qapp: object, told: list[str]) -> None:
    window = QMainWindow()
    view = NoticeView(window)
    view.close()
    work = Background(name="the answer")
    work.start("tell", lambda: notifier.info("from a thread"))
    wait_until(lambda: told == ["from a thread"])
    assert window.statusBar().currentMessage() == ""
    work.close()
