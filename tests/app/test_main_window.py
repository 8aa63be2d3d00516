"""The real window, offscreen: the path from demo image to exported stems, with the real classes at tiny size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.tools.tool_table import tools_in_order
from sounddesk.app.export.export_dialog import ExportRequest
from sounddesk.app.main_window import MainWindow
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.export_settings import ExportSettings
from tests.app.conftest import wait_until


def test_from_objects_to_stems_that_sum_to_the_mix(window: MainWindow, tmp_path: Path) -> None:
    services = window.services
    document = services.document
    objects = [each.id for each in document.project.objects][:2]
    services.selection.select_objects(objects)
    services.actions["takes.generate"].trigger()
    wait_until(lambda: len(document.takes) == 2, seconds=120)
    assert {clip.object_id for clip in document.project.clips} == set(objects)
    services.actions["mixer.pan"].trigger()
    document.commit("Fader", document.project.with_strip(objects[0], gain_db=-7.5))
    asked = ExportSettings(sample_rate_hz=44_100, silent_lanes=True, template="{object}")
    plan = plan_export(document.project, document.takes, asked, name="farm")
    window.app_commands.exports.export(ExportRequest(plan=plan, folder=tmp_path / "out"))
    wait_until(lambda: (tmp_path / "out" / "mix.wav").exists(), seconds=60)
    files = sorted((tmp_path / "out").glob("*.wav"))
    sounds = {file.name: soundfile.read(file, dtype="float64")[0] for file in files}
    mix = sounds.pop("mix.wav")
    assert len(sounds) == len(document.project.objects)
    assert all(sound.shape == (88_200, 2) for sound in (mix, *sounds.values()))
    assert np.abs(mix).max() > 0.0
    assert np.array_equal(sum(sounds.values()), mix)


@pytest.mark.slow
def test_a_fader_and_a_clip_are_moved_by_the_mouse_and_undone(window: MainWindow) -> None:
    services = window.services
    document = services.document
    object_id = document.project.objects[0].id
    services.generation.generate([object_id])
    wait_until(lambda: len(document.project.clips) == 1, seconds=120)
    before = document.project
    fader = window.mixer.strips[object_id].fader
    fader.setFocus()
    for _ in range(3):
        QTest.keyClick(fader, Qt.Key.Key_Down)
    assert document.project.object(object_id).strip.gain_db == -1.5
    clip = document.project.clips[0]
    grabbed = window.timeline.clip_rect(clip).center().toPoint()
    QTest.mousePress(window.timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, grabbed)
    QTest.mouseMove(window.timeline, grabbed + QPoint(round(0.48 * window.timeline.view.scale), 0))
    QTest.mouseRelease(window.timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, grabbed)
    assert document.project.clips[0].start_s == pytest.approx(0.48)
    assert document.undo_stack.undoText() == "Move clip"
    document.undo()
    document.undo()
    assert document.project == before


def ready_to_paint(window: MainWindow) -> ImageCanvas:
    """The canvas with the brush in hand and nothing selected."""
    window.services.selection.select_objects(())
    canvas = window.canvas.canvas
    canvas.resize(640, 400)
    canvas.fit()
    canvas.set_tool("brush")
    return canvas


def test_painting_makes_an_object_in_one_step(window: MainWindow) -> None:
    document, canvas = window.services.document, ready_to_paint(window)
    before, steps = document.project, document.undo_stack.count()
    start = QPoint(*(round(v) for v in canvas.viewport.to_widget(200, 100)))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in range(1, 6):
        QTest.mouseMove(canvas, start + QPoint(8 * step, 0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(40, 0))
    assert document.undo_stack.count() == steps + 1
    painted = document.project.objects[-1]
    box = painted.mask.bounding_box
    assert box is not None
    assert box.left < 200 < box.right
    assert window.services.selection.current_object_id == painted.id
    document.undo()
    assert document.project == before


def test_with_every_tool_the_window_fits_a_screen_of_1280_pixels(window: MainWindow) -> None:
    canvas = window.canvas.canvas
    for tool in tools_in_order():
        canvas.set_tool(tool.name)
        QApplication.processEvents()
        assert window.minimumSizeHint().width() <= 1280, tool.name


def test_undo_in_the_middle_of_a_stroke_ends_it(window: MainWindow) -> None:
    document, canvas = window.services.document, ready_to_paint(window)
    before = document.project
    start = QPoint(*(round(v) for v in canvas.viewport.to_widget(200, 100)))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(canvas, start + QPoint(8, 0))
    document.abort()
    QTest.mouseMove(canvas, start + QPoint(16, 0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(16, 0))
    assert document.project == before


def test_half_typed_words_survive_a_change_elsewhere(window: MainWindow) -> None:
    document = window.services.document
    first, second = (each.id for each in document.project.objects[:2])
    window.services.selection.select_objects([first])
    window.activateWindow()
    field = window.objects._inspector._hint
    field.setFocus()
    wait_until(field.hasFocus)
    QTest.keyClicks(field, "siren")
    document.commit("Hide", document.project.with_changed_object(second, visible=False))
    assert field.text() == "siren"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert document.project.object(first).hint == "siren"
    assert not document.project.object(first).strip.soloed
    assert window.canvas.canvas.tool_name == "click"


def test_what_the_preferences_say_reaches_the_engine(window: MainWindow) -> None:
    services = window.services
    services.settings.device = "mps"
    assert services.generation.device == "mps"
    services.settings.precision, services.settings.memory = "full", "sequential"
    engine = services.generation.engine_for(services.document.project)
    assert (engine.device, engine.precision, engine.memory) == ("mps", "full", "sequential")
    services.settings.bundle = "another"
    assert services.bundle_of_new_projects == "another"
    assert services.document.project.settings.bundle != "another"


def test_dialogs_begin_beside_what_was_open_last(window: MainWindow, tmp_path: Path) -> None:
    assert window.files._first_folder().is_dir()
    still = tmp_path / "stills" / "street.png"
    still.parent.mkdir()
    still.write_bytes(b"")
    window.services.settings.add_recent_file(still)
    assert window.files._first_folder() == still.parent
    still.unlink()
    still.parent.rmdir()
    assert window.files._first_folder().is_dir()


def test_the_menu_of_an_object_begins_with_generate(window: MainWindow) -> None:
    menu = window.objects.menu.actions()
    assert menu[0] is window.services.actions["takes.generate"] and menu[1].isSeparator()
