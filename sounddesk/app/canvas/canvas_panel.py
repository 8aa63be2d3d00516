"""The canvas with its tool bar and the options of the tool in use."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.image_canvas import FIRST_TOOL
from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.overview import PictureOverview
from sounddesk.app.canvas.pick_bar import PickBar
from sounddesk.app.canvas.spoken_canvas import SpokenCanvas
from sounddesk.app.canvas.suggestion_bar import SuggestionBar
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.canvas.tools.tool_table import tools_in_order
from sounddesk.app.canvas.zoom_bar import ZoomBar
from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import PanelKey
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.elided_label import ElidedLabel
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import PADDING
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.suggestion_worker import SuggestionWorker

_MODES: Final = ("add", "replace", "subtract", "intersect")

# In logical pixels.
_OPTIONS_HEIGHT: Final = 36


class CanvasPanel(QWidget):
    """Modes or options of the tool in hand above, tools on the left, and the canvas with what lies on it."""

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        segment: SegmentationWorker,
        search: SuggestionWorker,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._actions = actions
        self.canvas = ImageCanvas(document, selection, segment, self)
        actions.add((*tool_commands(), *VIEW_COMMANDS), owner=self)
        actions.reserve(CANVAS_KEYS)
        self.pick_bar = PickBar(self.canvas, segment, actions, self)
        self._zoom_bar = ZoomBar(self.canvas, actions)
        self._spoken = SpokenCanvas(self.canvas)
        self.canvas.free_below = self._zoom_bar.sizeHint().height()
        self._overview = PictureOverview(self.canvas)
        self.opacity = self._zoom_bar.opacity
        self._suggestions = SuggestionBar(document, selection, actions, search, self.canvas)
        # What the tool in hand does; the window shows it in its status bar, where a long line has room.
        self.hint = ElidedLabel(parent=self)
        self.hint.setProperty("role", "small")
        self.hint.hide()
        # In a row of one height, whatever is in it: the image stays where it is.
        above = QWidget(self)
        above.setFixedHeight(_OPTIONS_HEIGHT)
        above.setProperty("surface", "panel")
        above.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._row = QHBoxLayout(above)
        self._row.setContentsMargins(0, 0, GAP, 0)
        self._row.setSpacing(2)
        self._row.addWidget(self.pick_bar, 1)
        self._row.addWidget(self._make_options(), 1)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self._make_tools())
        below.addWidget(self.canvas, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(above)
        layout.addLayout(below, 1)
        self.pick_bar.shown.connect(lambda on: self._options_page.setVisible(not on))
        self.canvas.options_changed.connect(self._show_options)
        self.canvas.tool_changed.connect(self._on_tool)
        self.canvas.view_changed.connect(self._place)
        self._on_tool(FIRST_TOOL)

    def _make_tools(self) -> QWidget:
        """A button for each tool, one below the other: none is ever hidden behind an arrow."""
        page = QWidget(self)
        page.setAccessibleName(self.tr("Tools"))
        page.setProperty("surface", "panel")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(page)
        column.setContentsMargins(GAP, GAP, GAP, GAP)
        column.setSpacing(2)
        for entry in tools_in_order():
            column.addWidget(self._flat_button(f"tool.{entry.name}", page))
        column.addStretch(1)
        return page

    def _flat_button(self, command_id: str, parent: QWidget) -> QToolButton:
        button = command_button(QToolButton, self._actions, command_id, parent)
        button.setAutoRaise(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        return button

    def _place(self) -> None:
        """What lies on the canvas stays in its lower right corner."""
        right, bottom = self.canvas.width() - PADDING, self.canvas.height() - PADDING
        self._zoom_bar.adjustSize()
        for each in (self._zoom_bar, self._overview):
            bottom -= each.height()
            each.move(right - each.width(), bottom)
            bottom -= GAP

    def add_view_command(self, command_id: str) -> None:
        """A button for a command that another part of the window offers."""
        self._row.addWidget(self._flat_button(command_id, self))

    def choose_tool(self, name: str) -> None:
        """Take a tool into the hand."""
        self.canvas.set_tool(name)
        self.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_hover_preview(self, on: bool) -> None:
        """Whether the object under the mouse is outlined before it is clicked on."""
        self.canvas.hover_preview = on

    def _make_options(self) -> QWidget:
        strip = self._options_page = QWidget(self)
        row = QHBoxLayout(strip)
        row.setContentsMargins(6, 2, 6, 2)
        self._options: dict[str, tuple[PlainLabel, QWidget]] = {}
        for name, text, low, high in (
            ("diameter", self.tr("Size"), 1, 400),
            ("hardness", self.tr("Hardness"), 0, 100),
            ("tolerance", self.tr("Tolerance"), 0, 128),
        ):
            slider = QSlider(Qt.Orientation.Horizontal, strip)
            slider.setRange(low, high)
            slider.setMaximumWidth(180)
            slider.setAccessibleName(text)
            slider.valueChanged.connect(lambda value, name=name: self._set_option(name, value))
            self._add_option(row, name, text, slider)
        modes = QComboBox(strip)
        modes.addItems([self.tr("Add"), self.tr("Replace"), self.tr("Subtract"), self.tr("Intersect")])
        modes.setAccessibleName(self.tr("How shapes join the mask"))
        modes.currentIndexChanged.connect(lambda index: setattr(self.canvas.options, "mode", _MODES[index]))
        self._add_option(row, "mode", self.tr("Shape"), modes)
        contiguous = QCheckBox(strip)
        contiguous.setChecked(self.canvas.options.contiguous)
        contiguous.setAccessibleName(self.tr("Only pixels that hang together with the one clicked on"))
        contiguous.setToolTip(contiguous.accessibleName())
        contiguous.toggled.connect(lambda on: setattr(self.canvas.options, "contiguous", on))
        self._add_option(row, "contiguous", self.tr("Contiguous"), contiguous)
        row.addStretch(1)
        return strip

    def _add_option(self, row: QHBoxLayout, name: str, text: str, widget: QWidget) -> None:
        label = PlainLabel(text, self)
        label.setBuddy(widget)
        row.addWidget(label)
        row.addWidget(widget)
        self._options[name] = (label, widget)

    def _set_option(self, name: str, value: int) -> None:
        setattr(self.canvas.options, name, value / 100 if name == "hardness" else value)
        self.canvas.update()

    def _on_tool(self, name: str) -> None:
        self._actions[f"tool.{name}"].setChecked(True)
        entry = TOOLS.get(name)
        for option, widgets in self._options.items():
            for widget in widgets:
                widget.setVisible(option in entry.options)
        self.hint.setText(self.tr(entry.hint))
        self._show_options()

    def _show_options(self) -> None:
        options = self.canvas.options
        for name, value in (
            ("diameter", options.diameter),
            ("hardness", options.hardness * 100),
            ("tolerance", options.tolerance),
        ):
            slider = self._options[name][1]
            assert isinstance(slider, QSlider)
            if slider.value() != round(value):
                slider.blockSignals(True)
                slider.setValue(round(value))
                slider.blockSignals(False)


def _tool_command(entry: ToolEntry) -> Command[CanvasPanel]:
    return Command(
        f"tool.{entry.name}",
        entry.title,
        switch=lambda it, _on: it.choose_tool(entry.name),
        checked=entry.name == FIRST_TOOL,
        group="tools",
        keys=entry.key,
        menu="Mask",
        section="tools",
    )


def tool_commands() -> tuple[Command[CanvasPanel], ...]:
    """A command for each tool."""
    return tuple(_tool_command(entry) for entry in tools_in_order())


VIEW_COMMANDS: Final[tuple[Command[CanvasPanel], ...]] = (
    Command("view.fit", "&Fit image", lambda it: it.canvas.fit(), menu="View", section="image", keys="F", label="Fit",
            tip="Whole image"),
    Command("view.actual_size", "&Actual size", lambda it: it.canvas.actual_size(), menu="View", section="image",
            keys="Ctrl+1", label="1:1"),
    Command("view.zoom_in", "Zoom &in", lambda it: it.canvas.zoom(1.25), menu="View", section="image", keys="Ctrl++",
            label="+"),
    Command("view.zoom_out", "Zoom &out", lambda it: it.canvas.zoom(0.8), menu="View", section="image", keys="Ctrl+-",
            label="−"),
    Command("view.hover", "&Preview on hover", switch=CanvasPanel.set_hover_preview, checked=True, menu="View",
            section="image"),
)  # fmt: skip
CANVAS_KEYS: Final = (
    PanelKey(panel="Canvas", keys="Return", does="next object; with the polygon, close it"),
    PanelKey(panel="Canvas", keys="Tab", does="part, thing or group of the click"),
    PanelKey(panel="Canvas", keys="Backspace", does="remove the last corner of the polygon"),
    PanelKey(panel="Canvas", keys="Esc", does="drop what is being drawn"),
    PanelKey(panel="Canvas", keys="[", does="smaller brush"),
    PanelKey(panel="Canvas", keys="]", does="larger brush"),
    PanelKey(panel="Canvas", keys="{", does="softer brush"),
    PanelKey(panel="Canvas", keys="}", does="harder brush"),
    PanelKey(panel="Canvas", keys="+", does="zoom in"),
    PanelKey(panel="Canvas", keys="-", does="zoom out"),
    *(PanelKey(panel="Canvas", keys=key, does="move the cross hairs") for key in ("Left", "Right", "Up", "Down")),
    *(
        PanelKey(panel="Canvas", keys=f"Shift+{key}", does="move the cross hairs by a pixel")
        for key in ("Left", "Right", "Up", "Down")
    ),
)
