"""What cannot be used, given to the window as a user would: a message in her words, and the project as it was."""

from __future__ import annotations

import dataclasses
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMessageBox

from sounddesk.app.main_window import MainWindow
from sounddesk.domain.project import Project
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until


@dataclasses.dataclass
class DemoDesk:
    window: MainWindow
    told: list[str]
    before: Project

    def drop(self, *dropped: Path | str) -> None:
        """Files from a file manager, or addresses from a browser, onto the window."""
        data = QMimeData()
        data.setUrls([QUrl(each) if isinstance(each, str) else QUrl.fromLocalFile(str(each)) for each in dropped])
        copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        # The drop goes to the widget that the drag entered.
        QApplication.sendEvent(self.window, QDragEnterEvent(QPoint(50, 50), copy, data, left, none))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(50, 50), copy, data, left, none))

    def wait_for_words(self) -> str:
        wait_until(lambda: bool(self.told), seconds=60)
        return self.told[-1]

    @property
    def project(self) -> Project:
        return self.window.services.document.project


@pytest.fixture
def demo_desk(window: MainWindow, told: list[str], monkeypatch: pytest.MonkeyPatch) -> DemoDesk:
    """The demo with a tiny bundle. Questions about unsaved changes are answered with 'discard'."""
    monkeypatch.setattr(QMessageBox, "exec", lambda _box: QMessageBox.StandardButton.Discard)
    return DemoDesk(window, told, window.services.document.project)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = struct.pack(">I", 4) + b"IDAT" + bytes(4) + struct.pack(">I", zlib.crc32(b"IDAT" + bytes(4)))
    return b"\x89PNG\r\n\x1a\n" + chunk + data


def truncated(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:40_000])


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("gone.png", lambda _path: None, "gone.png"),
        ("empty.png", lambda path: path.write_bytes(b""), "zero bytes"),
        ("text.png", lambda path: path.write_text("no image"), "text.png"),
        ("notes.txt", lambda path: path.write_text("no image"), "no image, movie or project"),
        ("folder.png", lambda path: path.mkdir(), "folder"),
        ("half.png", truncated, "half.png"),
        ("dot.png", lambda path: Image.new("RGB", (1, 1)).save(path), "1 x 1"),
        ("huge.png", lambda path: path.write_bytes(png_header(60_000, 60_000)), "60000"),
        ("damaged.sdesk", lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(5000)), "damaged.sdesk"),
        ("gone.sdesk", lambda _path: None, "gone.sdesk"),
    ],
)
@pytest.mark.slow
def test_a_dropped_file_that_cannot_be_opened(
    demo_desk: DemoDesk, tmp_path: Path, name: str, make: Callable[[Path], object], says: str
) -> None:
    make(tmp_path / name)
    demo_desk.drop(tmp_path / name)
    words = demo_desk.wait_for_words()
    assert says in words
    assert "Traceback" not in words
    assert "Error(" not in words
    assert demo_desk.project == demo_desk.before
    assert demo_desk.window.services.document.image is not None


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("sixteen bit.png", Image.fromarray(np.linspace(0, 65535, 4800).reshape(60, 80).astype(np.uint16))),
        ("cmyk.jpg", Image.new("CMYK", (80, 60), (20, 90, 10, 0))),
        ("palette.png", Image.new("RGB", (80, 60), "red").quantize(4)),
        ("alpha.png", Image.new("RGBA", (80, 60), (200, 20, 20, 90))),
        ("grey.tif", Image.new("L", (80, 60), 77)),
        ("a name of 🔔 and ünïcode.webp", Image.new("RGB", (80, 60), "green")),
    ],
)
@pytest.mark.slow
def test_what_can_be_converted_is_opened(demo_desk: DemoDesk, tmp_path: Path, name: str, image: Image.Image) -> None:
    image.save(tmp_path / name)
    demo_desk.drop(tmp_path / name)
    wait_until(lambda: demo_desk.project.image is not None and demo_desk.project.image.name == name)
    info = demo_desk.project.image
    assert info is not None
    assert (info.width, info.height) == (80, 60)


@pytest.mark.slow
def test_an_empty_mask_is_not_generated(demo_desk: DemoDesk) -> None:
    document = demo_desk.window.services.document
    demo_desk.window.services.selection.select_objects([demo_desk.project.objects[0].id])
    demo_desk.window.objects.filter_masks("Shrink", "shrink", 500)
    wait_until(lambda: document.project.objects[0].mask.is_empty)
    demo_desk.window.services.actions["takes.generate"].trigger()
    assert "is empty" in demo_desk.wait_for_words()
    assert not demo_desk.window.services.generate.waiting


def test_a_click_beside_the_image_does_nothing(demo_desk: DemoDesk) -> None:
    canvas = demo_desk.window.canvas.canvas
    canvas.zoom(0.3)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(3, 3))
    QApplication.processEvents()
    assert demo_desk.project == demo_desk.before


@pytest.mark.parametrize("name", ["", "   ", "cow"])
def test_a_name_that_cannot_be(demo_desk: DemoDesk, name: str) -> None:
    tree = demo_desk.window.objects._list
    item = tree.topLevelItem(1)
    assert item is not None
    item.setText(0, name)
    assert demo_desk.told
    assert demo_desk.project == demo_desk.before
    assert tree.topLevelItem(1).text(0) == demo_desk.before.objects[1].name


@pytest.mark.slow
def test_strange_names_become_files_that_every_system_takes(demo_desk: DemoDesk, tmp_path: Path) -> None:
    document = demo_desk.window.services.document
    names = ["a/b\\c:*?", "🔔🔔", "x" * 300, "CON"]
    project = document.project
    for each, name in zip(project.objects, names, strict=True):
        project = project.with_changed_object(each.id, name=name)
    document.commit("Names", project)
    demo_desk.window.services.selection.select_objects([each.id for each in project.objects])
    demo_desk.window.services.actions["takes.generate"].trigger()
    wait_until(lambda: len(document.takes) == 4, seconds=120)
    assert succeeds(demo_desk.window.services.store.save_as, tmp_path / "names.sdesk")
    succeeds(demo_desk.window.services.store.new)
    assert succeeds(demo_desk.window.services.store.open, tmp_path / "names.sdesk")
    assert [each.name for each in demo_desk.project.objects] == names


def test_a_bundle_that_is_gone_is_named_and_the_queue_goes_on(demo_desk: DemoDesk) -> None:
    document = demo_desk.window.services.document
    document.commit("Bundle", document.project.with_settings(bundle="nowhere"))
    demo_desk.window.services.selection.select_objects([demo_desk.project.objects[0].id])
    demo_desk.window.services.actions["takes.generate"].trigger()
    assert "nowhere" in demo_desk.wait_for_words()
    wait_until(lambda: not demo_desk.window.services.generate.waiting)
    document.undo()
    demo_desk.window.services.actions["takes.generate"].trigger()
    wait_until(lambda: len(document.takes) == 1, seconds=120)


def test_an_address_from_a_browser_is_told_to_be_elsewhere(demo_desk: DemoDesk) -> None:
    demo_desk.drop("https://example.com/street.png")
    assert "https://example.com/street.png is not on this computer: save it as a file" in demo_desk.wait_for_words()
    assert demo_desk.project == demo_desk.before


def test_of_several_images_one_is_opened_and_the_way_for_all_is_told(demo_desk: DemoDesk, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (80, 60), "red").save(tmp_path / name)
    demo_desk.drop(tmp_path / "a.png", tmp_path / "b.png")
    assert "a.png of 2 files is opened" in demo_desk.wait_for_words()
    wait_until(lambda: demo_desk.project.image is not None and demo_desk.project.image.name == "a.png")


def test_saving_under_a_name_that_no_disk_takes(demo_desk: DemoDesk, tmp_path: Path, problems: list[str]) -> None:
    store = demo_desk.window.services.store
    assert not succeeds(store.save_as, tmp_path / f"{'x' * 300}.sdesk")
    assert demo_desk.wait_for_words().endswith("its name is too long: choose a shorter one.")
    os.mkfifo(tmp_path / "pipe.sdesk")
    assert not succeeds(store.save_as, tmp_path / "pipe.sdesk")
    assert demo_desk.told[-1].endswith("it is a device or a pipe: choose another name.")
    # What comes after is done all the same.
    assert succeeds(store.save_as, tmp_path / "street.sdesk")
    assert not problems


def test_saving_where_nothing_can_be_written(demo_desk: DemoDesk, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    assert not succeeds(demo_desk.window.services.store.save_as, tmp_path / "a file" / "scene.sdesk")
    assert "scene.sdesk" in demo_desk.wait_for_words() or "a file" in demo_desk.told[-1]
    assert demo_desk.project == demo_desk.before
    assert demo_desk.window.services.document.is_dirty
