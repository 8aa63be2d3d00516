"""The canvas with its tool bar and the options of the tool in use."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QToolBar
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.image_canvas import FIRST_TOOL
from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.pick_bar import PickBar
from sounddesk.app.canvas.suggestion_bar import SuggestionBar
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.canvas.tools.tool_table import tools_in_order
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import PanelKey
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.suggestion_worker import SuggestionWorker

_MODES: Final = ("add", "replace", "subtract", "intersect")

# Width and height in logical pixels.
_ICON: Final = 20
_OPTIONS_HEIGHT: Final = 40
_OPACITY_WIDTH: Final = 70


class CanvasPanel(QWidget):
    """Tool bar, options of the tool in hand, suggestions and canvas, one below the other."""

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
        self._bar = QToolBar(self.tr("Tools"), self)
        self._bar.setOrientation(Qt.Orientation.Vertical)
        self._view_bar = QToolBar(self.tr("Image"), self)
        for bar in (self._bar, self._view_bar):
            bar.setIconSize(QSize(_ICON, _ICON))
        actions.add((*tool_commands(), *VIEW_COMMANDS), owner=self)
        actions.reserve(CANVAS_KEYS)
        self.pick_bar = PickBar(self.canvas, segment, actions)
        self._tool_actions = {entry.name: actions[f"tool.{entry.name}"] for entry in tools_in_order()}
        self._bar.addActions(list(self._tool_actions.values()))
        self.opacity = QSlider(Qt.Orientation.Horizontal, self)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(100)
        self.opacity.setFixedWidth(_OPACITY_WIDTH)
        self.opacity.setAccessibleName(self.tr("Opacity of masks"))
        self.opacity.setToolTip(self.tr("Opacity of masks; at the left end their outlines alone"))
        self.opacity.valueChanged.connect(self._set_opacity)
        self._view_bar.addWidget(self.opacity)
        self._zoom = PlainLabel(parent=self)
        self._zoom.setProperty("role", "small")
        self._zoom.setToolTip(self.tr("Size of the image, in per cent of its pixels"))
        self._zoom.setMinimumWidth(self.fontMetrics().horizontalAdvance("1600 %"))
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._view_bar.addWidget(self._zoom)
        self.canvas.installEventFilter(self)
        for command_id in ("view.fit", "view.actual_size"):
            self.add_view_command(command_id)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.suggestions = SuggestionBar(document, selection, actions, search, self.canvas, self)
        # One above the other in a row of one height: the image stays where it is when options or suggestions come.
        above = QWidget(self)
        row = QHBoxLayout(above)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._make_options(), 1)
        row.addWidget(self.suggestions, 1)
        row.addWidget(self._view_bar)
        above.setFixedHeight(_OPTIONS_HEIGHT)
        self.suggestions.shown.connect(lambda on: self._strip.setVisible(not on))
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self._bar)
        below.addWidget(self.canvas, 1)
        layout.addWidget(above)
        layout.addLayout(below, 1)
        self.canvas.options_changed.connect(self._show_options)
        self.canvas.tool_changed.connect(self._on_tool)
        self._on_tool(FIRST_TOOL)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        """The zoom is told when it is painted, whoever changed it."""
        if watched is self.canvas and event.type() == QEvent.Type.Paint:
            scale = self.canvas.viewport.scale * self.canvas.devicePixelRatioF()
            text = f"{100 * scale:.0f} %" if self.canvas.document.project.image is not None else ""
            if self._zoom.text() != text:
                self._zoom.setText(text)
        return super().eventFilter(watched, event)

    def _set_opacity(self, percent: int) -> None:
        self.canvas.options.mask_opacity = percent / 100
        self.canvas.tell_options()

    def add_view_command(self, command_id: str) -> None:
        """A button for a command that another part of the window offers."""
        self._view_bar.addAction(self._actions[command_id])

    def choose_tool(self, name: str) -> None:
        """Take a tool into the hand."""
        self.canvas.set_tool(name)
        self.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_hover_preview(self, on: bool) -> None:
        """Whether the object under the mouse is outlined before it is clicked on."""
        self.canvas.hover_preview = on

    def _make_options(self) -> QWidget:
        strip = self._strip = QWidget(self)
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
        self._hint = PlainLabel(parent=strip)
        self._hint.setProperty("role", "small")
        # In one line it would ask for more width than a screen of 1280 pixels has left.
        self._hint.setWordWrap(True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._hint, 1)
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
        self._tool_actions[name].setChecked(True)
        entry = TOOLS.get(name)
        for option, widgets in self._options.items():
            for widget in widgets:
                widget.setVisible(option in entry.options)
        self._hint.setText(self.tr(entry.hint))
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
    Command("view.zoom_in", "Zoom &in", lambda it: it.canvas.zoom(1.25), menu="View", section="image", keys="Ctrl++"),
    Command("view.zoom_out", "Zoom &out", lambda it: it.canvas.zoom(0.8), menu="View", section="image", keys="Ctrl+-"),
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
