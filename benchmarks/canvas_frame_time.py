"""Frame times of the canvas with a 4K image and 20 objects: painting by brush, panning and zooming.

python -m benchmarks.canvas_frame_time [--width 3840 --height 2160] [--image-width 3840 --image-height 2160]

Real mouse and wheel events go to the real canvas on Qt's offscreen raster platform. A frame is everything from the
event to the finished picture: the tool, the document's step, the overlay and the paint event. QT_SCALE_FACTOR=2 with
half the width and height measures a 4K screen at scale 2.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable
from collections.abc import Sequence

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask

OBJECTS = 20
FRAMES = 240


def busy_document(width: int, height: int) -> Document:
    """A noisy image with `OBJECTS` ellipses as objects, some over each other."""
    document = Document()
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    pixels = np.ascontiguousarray(np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)[:height, :width])
    info = document.add_image(b"made for this measurement", pixels, name="noise.png")
    project = dataclasses.replace(document.project, image=info)
    y, x = np.ogrid[:height, :width]
    for _ in range(OBJECTS):
        cx, cy = rng.uniform(0, width), rng.uniform(0, height)
        rx, ry = rng.uniform(0.05, 0.15) * width, rng.uniform(0.05, 0.15) * height
        project, object_id = project.with_new_id("o")
        project = project.with_object(
            SceneObject(
                id=object_id,
                name=object_id,
                mask=TiledMask.from_array(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1),
                seed=0,
                colour=project.next_colour(),
            )
        )
    document.commit("Open noise.png", project)
    return document


def frame_times_ms(app: QApplication, gestures: Sequence[Callable[[], None]]) -> np.ndarray:
    """Time of each gesture until nothing is left to paint, float[n, 2]: by the clock and of the processor."""
    times = []
    for gesture in gestures:
        start, own = time.perf_counter(), time.thread_time()
        gesture()
        app.processEvents()
        times.append((1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - own)))
    return np.array(times)


def turn_wheel(canvas: ImageCanvas, at: QPointF, steps: int) -> None:
    none = Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        at, canvas.mapToGlobal(at), QPoint(), QPoint(0, steps), Qt.MouseButton.NoButton, none,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=3840, help="of the canvas, in logical pixels")
    parser.add_argument("--height", type=int, default=2160)
    parser.add_argument("--image-width", type=int, default=3840)
    parser.add_argument("--image-height", type=int, default=2160)
    parser.add_argument("--diameter", type=float, default=80.0, help="of the brush, in image pixels")
    options = parser.parse_args(arguments)
    app = QApplication.instance() or QApplication(["canvas-frame-time"])
    assert isinstance(app, QApplication)
    document = busy_document(options.image_width, options.image_height)
    selection = SelectionModel(document)
    segment = SegmentationWorker()
    canvas = ImageCanvas(document, selection, segment)
    canvas.resize(options.width, options.height)
    canvas.show()
    canvas.options.diameter = options.diameter
    until = time.perf_counter() + 5
    while time.perf_counter() < until:
        app.processEvents()

    selection.select_objects([document.project.objects[3].id])
    canvas.set_tool("brush")
    middle = QPoint(options.width // 2, options.height // 2)
    radius = 0.35 * min(options.width, options.height)
    path = [
        QPoint(
            round(middle.x() + radius * np.cos(angle) * (1 + 0.3 * np.sin(5 * angle))),
            round(middle.y() + radius * np.sin(angle) * (1 + 0.3 * np.sin(5 * angle))),
        )
        for angle in np.linspace(0, 2 * np.pi, FRAMES)
    ]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=path[0])
    app.processEvents()
    rows = {"paint": frame_times_ms(app, [lambda p=p: QTest.mouseMove(canvas, p) for p in path])}
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=path[-1])
    app.processEvents()

    canvas.set_tool("click")
    canvas.hover_preview = False
    canvas.zoom(2.0)
    app.processEvents()
    QTest.mousePress(canvas, Qt.MouseButton.MiddleButton, pos=middle)
    rows["pan"] = frame_times_ms(
        app, [lambda p=p: QTest.mouseMove(canvas, middle + (p - middle) / 4) for p in path[:120]]
    )
    QTest.mouseRelease(canvas, Qt.MouseButton.MiddleButton, pos=middle)
    canvas.fit()
    app.processEvents()
    at = QPointF(middle)
    turns = [60] * 40 + [-60] * 40
    rows["zoom"] = frame_times_ms(app, [lambda s=s: turn_wheel(canvas, at, s) for s in turns])
    segment.close()
    for name, times in rows.items():
        where = f"canvas {options.width}x{options.height} at scale {canvas.devicePixelRatioF():g}"
        what = f"image {options.image_width}x{options.image_height}, {OBJECTS} objects, {name}"
        (median, own), (high, own_high) = np.percentile(times, (50, 95), axis=0)
        print(
            f"{where}, {what}: median {median:.1f} ms, 95th percentile {high:.1f} ms, worst {times[:, 0].max():.1f} ms "
            f"of {len(times)} frames; of the processor {own:.1f} and {own_high:.1f} ms"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
