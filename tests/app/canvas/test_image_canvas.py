"""The canvas repaints only what changed: the picture must be the one that painting everything gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from scipy import ndimage

from sounddesk.app.canvas.heat_map import HeatMap
from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from tests.app.conftest import wait_until

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton


@pytest.fixture
def canvas(still: Document) -> Iterator[ImageCanvas]:
    segment = SegmentationWorker()
    made = ImageCanvas(still, SelectionModel(still), segment)
    made.resize(301, 223)
    made.hover_preview = False
    made.show()
    wait_until(lambda: made._scene.masks_are_ready)
    yield made
    segment.close()


def seen(canvas: ImageCanvas) -> np.ndarray:
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), :3].copy()


def painted_anew(canvas: ImageCanvas) -> np.ndarray:
    canvas._scene.invalidate()
    return seen(canvas)


def assert_up_to_date(canvas: ImageCanvas) -> None:
    wait_until(lambda: canvas._scene.masks_are_ready and not canvas._scene.draft)
    shown = seen(canvas)
    np.testing.assert_array_equal(shown, painted_anew(canvas))


def drag(canvas: ImageCanvas, button: Qt.MouseButton, *path: tuple[int, int]) -> None:
    QTest.mousePress(canvas, button, pos=QPoint(*path[0]))
    for place in path[1:]:
        QTest.mouseMove(canvas, QPoint(*place))
        canvas.grab()
    QTest.mouseRelease(canvas, button, pos=QPoint(*path[-1]))


@pytest.mark.parametrize("zoom", [1.0, 0.31, 2.7])
def test_a_stroke_is_shown_as_if_all_had_been_painted(canvas: ImageCanvas, zoom: float) -> None:
    canvas.zoom(zoom)
    canvas.selection.select_objects([canvas.document.project.objects[0].id])
    canvas.set_tool("brush")
    canvas.options.diameter = 9.0
    assert_up_to_date(canvas)
    before = seen(canvas)
    drag(canvas, LEFT, (120, 100), (150, 120), (160, 90), (170, 115))
    assert_up_to_date(canvas)
    assert (seen(canvas) != before).any()


@pytest.mark.parametrize("zoom", [0.137, 0.43, 0.9])
def test_a_stroke_on_a_large_image_is_shown_up_to_the_borders_of_its_tiles(document: Document, zoom: float) -> None:
    info = document.add_image(b"never read", np.full((900, 1100, 3), 120, np.uint8), name="large.png")
    document.commit("Open", dataclasses.replace(document.project, image=info))
    segment = SegmentationWorker()
    canvas = ImageCanvas(document, SelectionModel(document), segment)
    try:
        canvas.resize(640, 480)
        canvas.show()
        canvas.actual_size()
        canvas.zoom(zoom)
        canvas.set_tool("brush")
        canvas.options.diameter = 300.0
        assert_up_to_date(canvas)
        drag(canvas, LEFT, (300, 200), (330, 260), (350, 220))
        canvas.tool.leave()
        wait_until(lambda: canvas._scene.masks_are_ready)
        # Qt picks the nearest pixel a little differently where it paints a part only: that moves edges by one pixel.
        pictures = (seen(canvas), painted_anew(canvas))
        shown, anew = (ndimage.uniform_filter(each.astype(float), (5, 5, 1)) for each in pictures)
        assert np.abs(shown - anew).max() < 40
        assert document.project.objects
    finally:
        segment.close()


def test_a_pan_shifts_the_picture_and_draws_what_comes_into_sight(canvas: ImageCanvas) -> None:
    canvas.zoom(3.3)
    assert_up_to_date(canvas)
    before = seen(canvas)
    drag(canvas, MIDDLE, (150, 100), (157, 96), (181, 120), (130, 71))
    assert_up_to_date(canvas)
    after = seen(canvas)
    # Moved by (-20, -29): what was at (x, y) is now there.
    np.testing.assert_array_equal(after[40:100, 40:200], before[69:129, 60:220])


def test_undo_hiding_colour_and_selection_are_shown(canvas: ImageCanvas) -> None:
    document = canvas.document
    first = document.project.objects[0].id
    for change in ({"visible": False}, {"colour": "#00ff00"}, {"visible": True}):
        document.commit("change", document.project.with_changed_object(first, **change))
        assert_up_to_date(canvas)
    shown = seen(canvas)
    canvas.selection.select_objects([first])
    assert_up_to_date(canvas)
    assert (seen(canvas) != shown).any()
    document.undo()
    document.undo()
    assert_up_to_date(canvas)


def test_zooming_is_quick_at_first_and_sharp_soon_after(canvas: ImageCanvas) -> None:
    canvas.zoom(1.37, QPointF(100, 80))
    quick = seen(canvas)
    assert canvas._scene.draft
    wait_until(lambda: not canvas._scene.draft, seconds=2)
    assert_up_to_date(canvas)
    # The quick frame shows the same thing in the same place, only coarser.
    assert np.abs(quick.astype(int) - seen(canvas)).mean() < 12


def test_the_heat_map_takes_the_place_of_the_masks_and_goes_again(canvas: ImageCanvas) -> None:
    plain = seen(canvas)
    weights = np.linspace(0, 1, 12, dtype=np.float32)
    canvas.set_heat_map(HeatMap(weights=weights, grid=(3, 4), title="attention of bell"))
    assert_up_to_date(canvas)
    assert (seen(canvas) != plain).any()
    canvas.set_heat_map(None)
    np.testing.assert_array_equal(seen(canvas), plain)


def test_the_legend_counts_in_multiples_of_an_even_share() -> None:
    heat = HeatMap(weights=np.array([0.0, 0.1, 0.3, 0.6], np.float32), grid=(2, 2), title="t")
    assert heat.labels() == ("0.0 x", "2.4 x")
    image = heat.image()
    assert image.pixelColor(1, 1).red() > 200 > image.pixelColor(0, 0).red()
