"""The canvas with its tool bar and the options of the tool in use."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QToolBar
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.suggestion_bar import SuggestionBar
from sounddesk.app.commands.actions import ActionRegistry
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.theme import standard_icon
from sounddesk.app.workers.segmentation_worker import SegmentationWorker

# Tool, text, key, options that it uses. S, M, J, K, L and Space belong to the transport.
_TOOLS: Final = (
    ("click", "Click", "V", ()),
    ("box", "Box", "R", ()),
    ("brush", "Brush", "B", ("diameter", "hardness")),
    ("eraser", "Eraser", "E", ("diameter", "hardness")),
    ("lasso", "Lasso", "Q", ("mode",)),
    ("polygon", "Polygon", "P", ("mode",)),
    ("fill", "Fill", "G", ()),
    ("magic", "Magic select", "W", ("mode", "tolerance", "contiguous")),
)
_MODES: Final = ("add", "replace", "subtract", "intersect")

# Width and height in logical pixels.
_ICON: Final = 16


class CanvasPanel(QWidget):
    """Signals: message(text)."""

    message = Signal(str)

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: ActionRegistry,
        segment: SegmentationWorker,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._actions = actions
        self.canvas = ImageCanvas(document, selection, segment, self)
        self.canvas.message.connect(self.message)
        self._bar = QToolBar(self.tr("Tools"), self)
        self._tool_actions = {}
        group = QActionGroup(self)
        for name, text, key, _ in _TOOLS:
            action = actions.add(
                f"tool.{name}",
                self.tr(text),
                partial(self._choose, name),
                shortcut=key,
                group="Tools",
                checkable=True,
            )
            group.addAction(action)
            self._bar.addAction(action)
            self._tool_actions[name] = action
        self._tool_actions["click"].setChecked(True)
        self._bar.addSeparator()
        self._add_view_actions(actions)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._make_options())
        self.suggestions = SuggestionBar(document, selection, actions, segment, self.canvas, self)
        self.suggestions.message.connect(self.message)
        layout.addWidget(self.suggestions)
        layout.addWidget(self.canvas, 1)
        self.canvas.options_changed.connect(self._show_options)
        self.canvas.tool_changed.connect(self._on_tool)
        self._on_tool("click")
        self._show_extension()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_extension()

    def _show_extension(self) -> None:
        """The arrow behind which buttons are that have no room."""
        extension = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if extension is not None:
            kind = QStyle.StandardPixmap.SP_ToolBarHorizontalExtensionButton
            extension.setIcon(standard_icon(kind, self, side=_ICON))

    def add_view_command(self, command_id: str) -> None:
        """A button for a command that another part of the window offers."""
        self._bar.addAction(self._actions[command_id])

    def _choose(self, name: str) -> None:
        self.canvas.set_tool(name)
        self.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _add_view_actions(self, actions: ActionRegistry) -> None:
        add = actions.add
        fit = add("view.fit", self.tr("Fit"), self.canvas.fit, shortcut="F", group="View", tip=self.tr("Whole image"))
        one = add("view.actual_size", self.tr("1:1"), self.canvas.actual_size, shortcut="Ctrl+1", group="View")
        add("view.zoom_in", self.tr("Zoom in"), lambda: self.canvas.zoom(1.25), shortcut="Ctrl++", group="View")
        add("view.zoom_out", self.tr("Zoom out"), lambda: self.canvas.zoom(0.8), shortcut="Ctrl+-", group="View")
        hover = add(
            "view.hover",
            self.tr("Preview on hover"),
            lambda: setattr(self.canvas, "hover_preview", hover.isChecked()),
            group="View",
            checkable=True,
        )
        hover.setChecked(True)
        for action in (fit, one):
            self._bar.addAction(action)

    def _make_options(self) -> QWidget:
        strip = QWidget(self)
        row = QHBoxLayout(strip)
        row.setContentsMargins(6, 2, 6, 2)
        self._options: dict[str, tuple[QLabel, QWidget]] = {}
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
        self._hint = QLabel(strip)
        self._hint.setEnabled(False)
        row.addWidget(self._hint)
        return strip

    def _add_option(self, row: QHBoxLayout, name: str, text: str, widget: QWidget) -> None:
        label = QLabel(text, self)
        label.setBuddy(widget)
        row.addWidget(label)
        row.addWidget(widget)
        self._options[name] = (label, widget)

    def _set_option(self, name: str, value: int) -> None:
        setattr(self.canvas.options, name, value / 100 if name == "hardness" else value)
        self.canvas.update()

    def _on_tool(self, name: str) -> None:
        self._tool_actions[name].setChecked(True)
        used = next(options for tool, _, _, options in _TOOLS if tool == name)
        for option, widgets in self._options.items():
            for widget in widgets:
                widget.setVisible(option in used)
        hints = {
            "click": self.tr("Click: select. Alt or right button: not this. Tab: other outlines. Enter: next object"),
            "box": self.tr("Drag a box. Shift: add to the object. Alt: take away"),
            "brush": self.tr("Alt erases. [ and ] change the size, with Shift the hardness"),
            "eraser": self.tr("Alt paints. [ and ] change the size, with Shift the hardness"),
            "lasso": self.tr("Draw around. Shift adds, Alt subtracts, both intersect"),
            "polygon": self.tr("Click corners; Enter or double click closes, Backspace removes one"),
            "fill": self.tr("Click inside an outline to fill it, Alt-click to empty"),
            "magic": self.tr("Click a colour. Shift adds, Alt subtracts, both intersect"),
        }
        self._hint.setText(hints[name])
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
