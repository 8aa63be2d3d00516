"""Opening and saving return at once: no loop inside the loop, one operation after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLineEdit

from sounddesk.app.project.document import Document
from sounddesk.app.project.input_blocker import InputBlocker
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_reader import ProjectContents
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until


@pytest.fixture
def gate(store: ProjectStore) -> Iterator[threading.Event]:
    """The writing thread goes on once this is set."""
    made = threading.Event()
    store._copy.run(lambda: made.wait(20))
    yield made
    made.set()


def test_nothing_waits_on_the_ui_thread(
    still: Document, store: ProjectStore, gate: threading.Event, tmp_path: Path
) -> None:
    answers: list[bool] = []
    store.save_as(tmp_path / "a.sdesk", then=answers.append)
    assert not (tmp_path / "a.sdesk").exists()
    # The work goes on meanwhile, and is not what was asked to be saved.
    saved = still.project
    still.commit("louder", still.project.with_strip("o1", gain_db=6.0))
    gate.set()
    wait_until(lambda: answers == [True])
    assert read_project(tmp_path / "a.sdesk").project == saved
    assert still.is_dirty
    assert succeeds(store.save)
    assert read_project(tmp_path / "a.sdesk").project == still.project
    assert not still.is_dirty


def test_operations_see_what_those_before_them_leave(
    still: Document, store: ProjectStore, gate: threading.Event, tmp_path: Path
) -> None:
    answers: list[tuple[str, bool]] = []
    saved = still.project
    store.save_as(tmp_path / "a.sdesk", then=lambda ok: answers.append(("save as", ok)))
    store.save(then=lambda ok: answers.append(("save", ok)))
    store.new(then=lambda ok: answers.append(("new", ok)))
    store.open(tmp_path / "none.sdesk", then=lambda ok: answers.append(("open none", ok)))
    store.open(tmp_path / "a.sdesk", then=lambda ok: answers.append(("open", ok)))
    assert still.project is saved
    gate.set()
    wait_until(lambda: len(answers) == 5)
    # What the image file holds is no image, so the last one is refused: the others were carried out all the same.
    assert answers == [("save as", True), ("save", True), ("new", True), ("open none", False), ("open", False)]
    assert still.project == ProjectContents().project


def test_what_follows_an_operation_may_begin_another(still: Document, store: ProjectStore, tmp_path: Path) -> None:
    answers: list[bool] = []
    store.save_as(tmp_path / "a.sdesk", then=lambda _ok: store.save_as(tmp_path / "b.sdesk", then=answers.append))
    wait_until(lambda: answers == [True])
    assert store.path == tmp_path / "b.sdesk"


def test_closing_ends_what_is_in_hand_and_forgets_the_rest(
    still: Document, store: ProjectStore, tmp_path: Path, problems: list[str]
) -> None:
    answers: list[bool] = []
    store.save_as(tmp_path / "a.sdesk", then=answers.append)
    store.save_as(tmp_path / "b.sdesk", then=answers.append)
    store.close()
    QApplication.processEvents()
    assert read_project(tmp_path / "a.sdesk").project == still.project
    assert not (tmp_path / "b.sdesk").exists()
    assert not problems


def test_input_is_kept_from_the_window_while_another_project_is_read(
    still: Document, store: ProjectStore, gate: threading.Event, tmp_path: Path
) -> None:
    line, blocker = QLineEdit(), InputBlocker()
    store.opening.connect(blocker.block)
    line.show()
    heard: list[bool] = []
    answers: list[bool] = []
    store.opening.connect(heard.append)
    store.open(tmp_path / "none.sdesk", then=answers.append)
    QTest.keyClick(line, Qt.Key.Key_A)
    assert (line.text(), heard) == ("", [True])
    gate.set()
    wait_until(lambda: answers == [False])
    QTest.keyClick(line, Qt.Key.Key_A)
    assert (line.text(), heard) == ("a", [True, False])
