"""A canvas with its bars and a quick segmenter, worked by real mouse and keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sounddesk.app.canvas.canvas_panel import CanvasPanel
from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.tools.canvas_port import ToolStatus
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.suggestion_worker import SuggestionWorker
from sounddesk.engine.types import RgbImage
from tests.app.conftest import Told
from tests.app.conftest import wait_until
from tests.flood_segmenter import FloodSegmenter
from tests.flood_segmenter import choice_of
from tests.flood_segmenter import picture

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT, ALT, CTRL = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
)
Spot = tuple[int, int]


@dataclasses.dataclass
class ClickDesk:
    """Where the artist clicks."""

    panel: CanvasPanel
    document: Document
    selection: SelectionModel
    actions: CommandRegistry
    worker: SegmentationWorker
    segmenter: FloodSegmenter
    told: Told

    @property
    def canvas(self) -> ImageCanvas:
        return self.panel.canvas

    @property
    def pick(self) -> str:
        return self.canvas.options.pick

    @property
    def status(self) -> ToolStatus:
        status = self.canvas.tool.status()
        assert status is not None
        return status

    @property
    def areas(self) -> list[int]:
        return [int(each.mask.to_bool().sum()) for each in self.document.project.objects]

    @property
    def selected(self) -> str:
        """The name of the object that is selected; empty for none."""
        current = self.canvas.current_object()
        return "" if current is None else current.name

    def open(self, pixels: RgbImage, name: str) -> None:
        info = self.document.add_image(name.encode(), pixels, name=name)
        project = dataclasses.replace(self.document.project, image=info, objects=())
        self.document.commit(f"Open {name}", project)
        self.worker.set_image(info.sha256, pixels, after_painting=True)

    def at(self, spot: Spot) -> QPoint:
        return QPoint(*(round(value) for value in self.canvas.viewport.to_widget(spot[0] + 0.5, spot[1] + 0.5)))

    def click(self, spot: Spot, modifiers: Qt.KeyboardModifier = PLAIN, *, button: Qt.MouseButton = LEFT) -> None:
        QTest.mouseClick(self.canvas, button, modifiers, self.at(spot))

    def click_and_wait(
        self, spot: Spot, modifiers: Qt.KeyboardModifier = PLAIN, *, button: Qt.MouseButton = LEFT
    ) -> None:
        self.click(spot, modifiers, button=button)
        self.settle()

    def hover(self, spot: Spot) -> None:
        """Through the window, so that Qt knows where the mouse is and does not take it away again."""
        window = self.panel.windowHandle()
        QTest.mouseMove(window, self.canvas.mapTo(self.panel, self.at(spot)))

    def key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.canvas, key)

    def settle(self) -> None:
        """Every question is answered."""
        wait_until(lambda: not self.worker.is_preparing and not self.worker._worker.tickets)


@pytest.fixture
def desk(document: Document, told: Told) -> Iterator[ClickDesk]:
    segmenter = FloodSegmenter()
    worker, selection, actions = (
        SegmentationWorker(choose=lambda: choice_of(segmenter)),
        SelectionModel(document),
        CommandRegistry(),
    )
    search = SuggestionWorker(worker, lambda: None)
    panel = CanvasPanel(document, selection, actions, worker, search)
    panel.resize(700, 520)
    panel.show()
    made = ClickDesk(panel, document, selection, actions, worker, segmenter, told)
    made.open(picture(), "cart.png")
    made.settle()
    # Away from where the test before left it: a mouse that does not move says nothing.
    QTest.mouseMove(panel.windowHandle(), QPoint(1, panel.height() - 1))
    yield made
    segmenter.gate.set()
    panel.canvas.close_background()
    search.close()
    worker.close()
    panel.hide()
