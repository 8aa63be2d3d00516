"""A tool is one module: button, key, menu entry, options and hint follow from its entry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sounddesk.app.canvas.canvas_panel import CanvasPanel
from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import ToolOptions
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.canvas.tools.tool_table import tools_in_order
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.suggestion_worker import SuggestionWorker
from sounddesk.domain.registry import DuplicateNameError


class Stamp(Tool):
    """Moves the seed of the current object by one."""

    def press(self, event: CanvasMouse) -> None:
        current = self.canvas.current_object()
        assert current is not None
        document = self.canvas.document
        document.commit("Stamp", document.project.with_changed_object(current.id, seed=current.seed + 1))


STAMP = ToolEntry(
    name="stamp", title="&Zstamp", key="Ctrl+Alt+Shift+Z", order=99, factory=Stamp, hint="Click to stamp",
    options=("tolerance",),
)  # fmt: skip


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def panel_of(document: Document, stack: ExitStack) -> CanvasPanel:
    segment = SegmentationWorker()
    stack.callback(segment.close)
    selection = SelectionModel(document)
    selection.select_objects(["o1"])
    search = SuggestionWorker(segment, lambda: None)
    stack.callback(search.close)
    made = CanvasPanel(document, selection, CommandRegistry(), segment, search)
    stack.callback(made.canvas.close_background)
    return made


def test_every_tool_is_offered_with_what_it_needs(still: Document, stack: ExitStack) -> None:
    panel = panel_of(still, stack)
    fields = {each.name for each in dataclasses.fields(ToolOptions)}
    entries = tools_in_order()
    assert [each.name for each in entries][:2] == ["click", "box"]
    assert len({each.order for each in entries}) == len({each.key for each in entries}) == len(entries) == 8
    for entry in entries:
        assert set(entry.options) <= fields
        action = panel._actions[f"tool.{entry.name}"]
        action.trigger()
        assert panel.canvas.tool_name == entry.name
        assert action.isChecked()
        assert action.shortcut().toString() == entry.key
        shown = {name for name, (_, widget) in panel._options.items() if not widget.isHidden()}
        assert shown == set(entry.options)
        assert panel.hint.text() == entry.hint


def test_a_new_tool_is_its_entry_and_nothing_else(still: Document, stack: ExitStack) -> None:
    with TOOLS.added(STAMP):
        panel = panel_of(still, stack)
        panel.resize(400, 300)
        panel.canvas.resize(400, 300)
        panel._actions["tool.stamp"].trigger()
        assert panel.hint.text() == "Click to stamp"
        seed = still.project.object("o1").seed
        at = QPoint(*(round(value) for value in panel.canvas.viewport.to_widget(20, 30)))
        QTest.mouseClick(panel.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        assert still.project.object("o1").seed == seed + 1
        assert still.undo_stack.undoText() == "Stamp"
    assert "stamp" not in [each.name for each in tools_in_order()]


def test_a_tool_of_a_taken_name_is_refused() -> None:
    with pytest.raises(DuplicateNameError, match="there is a tool 'click' already"):
        TOOLS.register(dataclasses.replace(STAMP, name="click"))
