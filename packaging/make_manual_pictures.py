"""Pictures of the real window for the manual.

    python packaging/make_manual_pictures.py [--out resources/manual] [--theme dark|light] [--width 1280 --height 800]
                                             [--only NAME ...]

The window is driven on Qt's offscreen platform with the starter bundle; nothing is drawn by hand. For a 4K screen at
scale 2: QT_SCALE_FACTOR=2 with --width 1920 --height 1080.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PIL import ImageChops
from PySide6.QtCore import QEventLoop
from PySide6.QtCore import QPoint
from PySide6.QtCore import QSettings
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog

from sounddesk.app.desk import make_application
from sounddesk.app.desk import open_window
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.look.theme import colour
from sounddesk.app.main_window import MainWindow
from sounddesk.app.settings import Settings
from sounddesk.domain.timeline import Marker
from sounddesk.engine.images.image_file import load_image
from sounddesk.resources_folder import resource


def wait(condition: Callable[[], bool], *, seconds: float = 600.0) -> None:
    """Run the event loop until `condition` holds. Raises: TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {seconds:g} s")
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()


def rest(seconds: float = 0.4) -> None:
    until = time.monotonic() + seconds
    wait(lambda: time.monotonic() > until)


class Camera:
    """Takes the pictures; `largest` is their greatest width in pixels."""

    def __init__(self, window: MainWindow, out: Path, *, suffix: str, largest: int) -> None:
        self.window = window
        self._out, self._suffix, self._largest = out, suffix, largest

    def take(self, name: str) -> None:
        """The window, with the dialog that is open on it where it would be."""
        rest()
        # On a busy machine masks come in pieces.
        wait(lambda: self.window.canvas.canvas._scene.masks_are_ready)
        shot: QPixmap = self.window.grab()
        for dialog in self.window.findChildren(QDialog):
            if dialog.isVisible():
                painter = QPainter(shot)
                place = self.window.rect().center() - dialog.rect().center()
                painter.drawPixmap(place, dialog.grab())
                # Where a desktop puts a frame around it.
                painter.setPen(colour("frame"))
                painter.drawRect(dialog.rect().translated(place).adjusted(-1, -1, 0, 0))
                painter.end()
        if shot.width() > self._largest:
            shot = shot.scaledToWidth(self._largest, Qt.TransformationMode.SmoothTransformation)
        file = self._out / f"{name}{self._suffix}.webp"
        if not shot.save(str(file), "WEBP", 80):
            raise OSError(f"{file} cannot be written")


def open_demo(window: MainWindow, *, with_takes: bool = True) -> None:
    """The demo, whatever is open: that may be the demo, too."""
    opened: list[bool] = []
    window.services.document.replaced.connect(lambda: opened.append(True))
    window.app_commands.open_demo(with_takes=with_takes)
    wait(lambda: bool(opened) and window.canvas.isVisible())
    wait(lambda: len(window.mixer.strips) == len(window.services.document.project.objects))


def object_ids(window: MainWindow) -> list[str]:
    return [each.id for each in window.services.document.project.objects]


def take_welcome(camera: Camera) -> None:
    """The opening page."""
    camera.take("welcome")


def take_objects(camera: Camera) -> None:
    """Objects, and the brush over one of them; the panels as for selecting."""
    window = camera.window
    open_demo(window, with_takes=False)
    window.services.actions["view.layout_select"].trigger()
    sheep = object_ids(window)[1]
    window.services.selection.select_objects([sheep])
    canvas = window.canvas.canvas
    canvas.set_tool("brush")
    rest()
    box = window.services.document.project.object(sheep).mask.bounding_box
    assert box is not None
    x, y = canvas.viewport.to_widget((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    QTest.mouseMove(canvas, QPoint(round(x), round(y)))
    camera.take("objects")
    canvas.set_tool("click")
    window.services.actions["view.layout_everything"].trigger()


def take_generating(camera: Camera) -> None:
    """The queue while takes are made; they are not waited for."""
    window = camera.window
    open_demo(window)
    window.services.selection.select_objects(object_ids(window)[3:])
    window.services.actions["takes.generate_all"].trigger()
    wait(lambda: "making the sound, " in services_stage(window) or len(window.services.document.takes) > 4)
    camera.take("generating")
    window.services.actions["takes.cancel_all"].trigger()
    wait(lambda: not window.services.generate.waiting)


def take_desk(camera: Camera) -> None:
    """The demo, mixed and playing."""
    window = camera.window
    open_demo(window)
    services = window.services
    document, objects = services.document, object_ids(window)
    services.selection.select_objects([objects[3]])
    project = document.project.with_strip(objects[0], gain_db=-6.5, pan=-0.4)
    project = project.with_strip(objects[1], pan=0.3).with_strip(objects[2], gain_db=-3.0, muted=True)
    document.commit("Mix", project.with_marker(Marker(id="m1", time_s=4.2, label="bark")))
    window.timeline.fit()
    wait(lambda: all(services.player.samples_of(take.id) is not None for take in document.takes))
    wait(lambda: not services.segment.is_preparing)
    services.player.set_loop((2.0, 7.0))
    # Playing makes the meters live; without a sound device it goes by the clock.
    services.actions["transport.play"].trigger()
    rest(3.2)
    camera.take("desk")
    services.actions["transport.stop"].trigger()
    services.player.set_loop(None)


def take_mixer(camera: Camera) -> None:
    """Timeline and mixer above all, while it plays."""
    window = camera.window
    take = window.services.actions
    open_demo(window)
    take["view.layout_mix"].trigger()
    objects = object_ids(window)
    document = window.services.document
    document.commit("Mix", document.project.with_strip(objects[0], gain_db=-4.0, pan=-0.5))
    window.services.selection.select_objects([objects[1]])
    window.timeline.fit()
    wait(lambda: all(window.services.player.samples_of(each.id) is not None for each in document.takes))
    take["transport.play"].trigger()
    rest(3.0)
    camera.take("mixer")
    take["transport.stop"].trigger()
    take["view.layout_everything"].trigger()


def take_attention(camera: Camera) -> None:
    """Where the sound of a word comes from in the image."""
    window = camera.window
    open_demo(window)
    window.services.selection.select_objects(object_ids(window)[:1])
    heat = window.services.actions["view.heat_map"]
    heat.trigger()
    wait(lambda: window.canvas.canvas._heat is not None)
    camera.take("attention")
    heat.trigger()


def take_timeline(camera: Camera) -> None:
    """Spectrograms in the clips, timecode in the ruler."""
    window = camera.window
    services = window.services
    open_demo(window)
    services.actions["timeline.spectrograms"].trigger()
    services.selection.select_clips([services.document.project.clips[3].id])
    window.timeline.set_unit("timecode")
    window.timeline.fit()
    rest(3.0)
    camera.take("timeline")
    services.actions["timeline.spectrograms"].trigger()
    window.timeline.set_unit("seconds")


def take_export(camera: Camera) -> None:
    """The form of an export, with what will be written."""
    window = camera.window
    open_demo(window)
    window.services.settings.export_folder = Path("stems")
    window.services.actions["file.export"].trigger()
    camera.take("export")
    for dialog in window.findChildren(QDialog):
        dialog.reject()


PICTURES: Final[dict[str, Callable[[Camera], None]]] = {
    "welcome": take_welcome, "objects": take_objects, "desk": take_desk, "mixer": take_mixer,
    "timeline": take_timeline, "export": take_export, "attention": take_attention, "generating": take_generating,
}  # fmt: skip
NAMES: Final = (*PICTURES, "batch")


def take_batch(camera: Camera, folder: Path) -> None:
    """A batch under way and one that waits, for a little pan over the demo image."""
    window = camera.window
    store, document = window.services.store, window.services.document
    open_demo(window, with_takes=False)
    document.commit("Shorter", document.project.with_settings(seconds=1.0))
    store.save_as(folder / "farm.sdesk")
    wait(lambda: store.path is not None and not document.is_dirty)
    shot = folder / "farm"
    shot.mkdir()
    still = Image.fromarray(load_image(resource("demo") / "scene.webp").pixels)
    for number in range(1, 9):
        # Each frame 4 pixels further to the right, what leaves it comes back on the left.
        ImageChops.offset(still, 4 * number, 0).save(shot / f"farm.{number:04d}.png")
    window.services.actions["file.batch"].trigger()
    for automatic in (False, True):
        form = window.batches.form
        assert form is not None
        form.frames.folder.line.setText(str(shot))
        wait(lambda form=form: not form.frames.is_looking)
        form.automatic.setChecked(automatic)
        form.add_button.click()
        wait(lambda form=form: not form.isVisible())
        if not automatic:
            window.batches.ask()
    queue, dialog = window.batches.queue, window.batches.dialog
    assert queue is not None
    assert dialog is not None
    dialog.list.select(queue.entries[0].id)
    wait(lambda: queue.entries[0].done >= 2)
    rest(1.1)
    dialog.results.table.setFocus()
    camera.take("batch")
    queue.remove([each.id for each in reversed(queue.entries)])
    wait(lambda: queue.running is None)
    dialog.close()


def services_stage(window: MainWindow) -> str:
    """What the queue in the status bar says is going on."""
    return " ".join(label.text() for label in window.queue.findChildren(type(window._audio)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("resources/manual"))
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--suffix", default="", help="after each name, e.g. _dark")
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES, help="pictures to take; all by default")
    parser.add_argument("--largest", type=int, default=1600, help="pictures are reduced to this width")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own:
        # Nothing of the user's shall be seen in a picture, or changed by making it.
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            os.environ[name] = f"{own}/{name}"
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, own)
        app = make_application(())
        settings = Settings()
        # A name that is recognised later would make the saved project another one.
        settings.name_objects = False
        apply_theme(app, options.theme)
        window = open_window(settings, device="cpu")
        window.resize(options.width, options.height)
        camera = Camera(window, options.out, suffix=options.suffix, largest=options.largest)
        for name, take in PICTURES.items():
            if name in options.only:
                take(camera)
                print(name, flush=True)
        if "batch" in options.only:
            take_batch(camera, Path(own))
        window.shut_down()
        window.hide()


if __name__ == "__main__":
    main()
