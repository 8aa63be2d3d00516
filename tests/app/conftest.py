"""Qt for tests: one offscreen application, and settings and user folders of their own."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import traceback
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMessageBox

from sounddesk.app.desk import open_window
from sounddesk.app.main_window import MainWindow
from sounddesk.app.notifications import Level
from sounddesk.app.notifications import Notice
from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.runtime.garbage_collection import UiThreadGarbageCollector
from sounddesk.app.settings import Settings


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application that every widget needs."""
    app = QApplication.instance() or QApplication(["sounddesk-tests"])
    assert isinstance(app, QApplication)
    app.setOrganizationName("sounddesk-tests")
    app.setApplicationName("sounddesk-tests")
    return app


@pytest.fixture(scope="package", autouse=True)
def collector(qapp: QApplication) -> Iterator[UiThreadGarbageCollector]:
    """As in the app; other tests have Python's own again."""
    collector = UiThreadGarbageCollector()
    yield collector
    collector.close()


@pytest.fixture(autouse=True)
def collected(collector: UiThreadGarbageCollector) -> Iterator[None]:
    """What a test left behind goes after it: most tests have no event loop that would see to it."""
    yield
    collector.collect_what_is_due()


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's is read or written."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    # Names are told by the networks that ship, which take seconds to load: tests of names turn them on.
    monkeypatch.setattr(Settings.name_objects, "default", False)


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Exceptions that reach no caller, and so fail no test by themselves: raised in a slot or a thread."""
    found: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: found.append("".join(traceback.format_exception(*error))))
    monkeypatch.setattr(threading, "excepthook", lambda args: found.append(f"{args.exc_type.__name__}: {args}"))
    return found


@pytest.fixture
def document(qapp: QApplication) -> Document:
    return Document()


@pytest.fixture
def selection(document: Document) -> SelectionModel:
    return SelectionModel(document)


@pytest.fixture
def window(qapp: QApplication, bundle_folder: Path) -> Iterator[MainWindow]:
    """The real window with the demo open, and a tiny bundle that makes takes of 1 s in two steps."""
    window = open_window(Settings())
    window.resize(1280, 800)
    window.app_commands.open_demo(with_takes=False)
    document = window.services.document
    wait_until(lambda: bool(document.project.objects))
    document.commit(
        "Tiny", document.project.with_settings(bundle=str(bundle_folder), seconds=1.0, steps=2, timeline_s=2.0)
    )
    window.services.generation.device = "cpu"
    yield window
    for box in window.findChildren(QMessageBox):
        box.close()
    window.shut_down()
    window.hide()


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Run the event loop until `condition` holds. Fails after `seconds`.

    Not by `QTest.qWait`, which keeps Python's lock while it waits, so that threads hardly get on.
    """
    from PySide6.QtCore import QDeadlineTimer
    from PySide6.QtCore import QEventLoop
    from PySide6.QtCore import QTimer

    deadline = QDeadlineTimer(int(seconds * 1000))
    while not condition():
        assert not deadline.hasExpired(), f"still waiting after {seconds:g} s"
        loop = QEventLoop()
        QTimer.singleShot(5, loop.quit)
        loop.exec()


class Told(list[str]):
    """What the user is told, a line each; failures begin with 'error: '."""

    def hear(self, notice: Notice) -> None:
        self.append(f"error: {notice.line}" if notice.level is Level.ERROR else notice.line)


@pytest.fixture
def told(qapp: QApplication) -> Iterator[Told]:
    heard = Told()
    notifier.noticed.connect(heard.hear)
    yield heard
    notifier.noticed.disconnect(heard.hear)


def succeeds(operation: Callable[..., object], *arguments: object, **options: object) -> bool:
    """Whether an operation of the project store succeeded, waited for."""
    answers: list[bool] = []
    operation(*arguments, **options, then=answers.append)
    wait_until(lambda: bool(answers))
    return answers[0]


@pytest.fixture
def still(document: Document) -> Document:
    """A document with an image of 96 x 64 pixels and two objects in it: 'left' and 'right'."""
    import numpy as np

    from sounddesk.domain.scene import SceneObject
    from sounddesk.domain.tiled_mask import TiledMask

    pixels = np.full((64, 96, 3), 90, np.uint8)
    pixels[16:48, 8:40] = (200, 60, 40)
    pixels[16:48, 56:88] = (40, 90, 210)
    info = document.add_image(b"not read again in these tests", pixels, name="still.png")
    project = dataclasses.replace(document.project, image=info)
    for name, columns in (("left", slice(8, 40)), ("right", slice(56, 88))):
        mask = np.zeros((64, 96), bool)
        mask[16:48, columns] = True
        project, object_id = project.with_new_id("o")
        project = project.with_object(
            SceneObject(
                id=object_id,
                name=name,
                mask=TiledMask.from_array(mask),
                seed=len(name),
                colour=project.next_colour(),
            )
        )
    document.commit("Open still.png", project)
    return document
