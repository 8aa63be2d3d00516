"""A shot on disk, its project open in a window's services, and hands for dialogs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QRadioButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_commands import BatchCommands
from sounddesk.app.batch.batch_queue import BatchQueue
from sounddesk.app.batch.batch_window import BatchWindow
from sounddesk.app.batch.new_batch_dialog import NewBatchDialog
from sounddesk.app.file_commands import FileCommands
from sounddesk.app.project.image_opening import read_image
from sounddesk.app.services import Services
from sounddesk.app.settings import Settings
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until
from tests.batch.conftest import HEIGHT
from tests.batch.conftest import WIDTH
from tests.batch.conftest import box_mask
from tests.batch.conftest import draw_frame

FRAMES = 8


class BatchDesk:
    """A window without its panels."""

    def __init__(self, folder: Path, bundle: Path, told: list[str]) -> None:
        self.folder = folder
        self.services = Services(Settings(), bundle=str(bundle), device="cpu")
        self.window = QWidget()
        self.files = FileCommands(self.services, self.window)
        self.said = told
        self.batches = self.new_commands()

    def new_commands(self) -> BatchCommands:
        self.services.actions = type(self.services.actions)(self.services)
        return BatchCommands(self.services, self.files, self.window)

    @property
    def queue(self) -> BatchQueue:
        assert self.batches.queue is not None
        return self.batches.queue

    @property
    def dialog(self) -> BatchWindow:
        assert self.batches.dialog is not None
        return self.batches.dialog

    @property
    def form(self) -> NewBatchDialog:
        assert self.batches.form is not None
        return self.batches.form

    def open_project(self, **settings: object) -> Project:
        """Frame 1 with a soft mask of the box, one of the disc, and an ambience; saved as street.sdesk."""
        document, store = self.services.document, self.services.store
        opened = read_image(self.folder / "f.1.png")
        project = Project(image=document.add_image(opened.file, opened.pixels, name=opened.name))
        box = box_mask(0).astype(np.uint8) * 255
        box[30:91, 55:61] = 140
        disc = np.zeros((HEIGHT, WIDTH), np.uint8)
        disc[45:85, 110:150] = 255
        nothing = np.zeros((HEIGHT, WIDTH), np.uint8)
        for name, mask in (("red", box), ("blue", disc), ("ambience", nothing)):
            project, object_id = project.with_new_id("o")
            made = SceneObject(
                id=object_id,
                name=name,
                kind="ambience" if name == "ambience" else "object",
                mask=TiledMask.from_array(mask),
                seed=1,
                colour=project.next_colour(),
                hint="bark" if name == "red" else "",
            )
            project = project.with_object(made)
        changes = {"bundle": self.services.bundle_of_new_projects, "seconds": 1.0, "steps": 2, **settings}
        document.commit("Begin", dataclasses.replace(project).with_settings(**changes))
        assert succeeds(store.save_as, self.folder.parent / "street.sdesk")
        return document.project

    def ask(self) -> NewBatchDialog:
        """The form of a new batch with the shot chosen."""
        if self.batches.dialog is None:
            self.batches.show()
        else:
            click(self.dialog.add_button)
        form = self.form
        line = form.frames.folder.line
        line.selectAll()
        QTest.keyClicks(line, str(self.folder))
        wait_until(lambda: not form.frames.is_looking)
        return form


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """shot/f.1.png to f.8.png: a red box that moves."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(FRAMES):
        draw_frame(2 * number).save(folder / f"f.{number + 1}.png")
    return folder


@pytest.fixture
def batch_desk(qapp: QApplication, shot: Path, bundle_folder: Path, told: list[str]) -> Iterator[BatchDesk]:
    made = BatchDesk(shot, bundle_folder, told)
    yield made
    made.batches.close()
    made.services.close()


def click(button: QAbstractButton) -> None:
    assert button.isEnabled(), button.text()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(button: QRadioButton) -> None:
    """Press a radio button, which takes clicks on its text alone."""
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(10, button.height() // 2))
    assert button.isChecked()


def answer(name: str, text: str, *, asked: list[str]) -> None:
    """Press the button `text` in the next message box; what it says goes into `asked`."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox) or (name and box.objectName() != name):
            QTimer.singleShot(10, press)
            return
        asked.append(box.text())
        click(next(each for each in box.buttons() if each.text().replace("&", "") == text))

    QTimer.singleShot(0, press)


def mask_file(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))
