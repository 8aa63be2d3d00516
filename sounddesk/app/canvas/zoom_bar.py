"""The bar in the lower right corner of the canvas: opacity of masks, and how large the image is shown."""

from __future__ import annotations

import functools
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QToolButton

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.theme import GAP

_OPACITY_WIDTH: Final = 64
_PERCENT: Final = (25, 50, 100, 200, 400, 800)


class ZoomBar(QFrame):
    """Says the zoom in per cent of the image's pixels; a click on it offers others."""

    def __init__(self, canvas: ImageCanvas, actions: CommandRegistry) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.setProperty("surface", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAccessibleName(self.tr("View of the image"))
        self.opacity = QSlider(Qt.Orientation.Horizontal, self)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(100)
        self.opacity.setFixedWidth(_OPACITY_WIDTH)
        self.opacity.setAccessibleName(self.tr("Opacity of masks"))
        self.opacity.setToolTip(self.tr("Opacity of masks; at the left end their outlines alone"))
        self.opacity.valueChanged.connect(self._set_opacity)
        self.percent = QToolButton(self)
        self.percent.setAutoRaise(True)
        self.percent.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.percent.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.percent.setProperty("menu", "bare")
        self.percent.setMinimumWidth(self.fontMetrics().horizontalAdvance("1600 %") + 2 * GAP)
        self.percent.setToolTip(self.tr("Size of the image, in per cent of its pixels"))
        menu = QMenu(self.percent)
        for each in _PERCENT:
            menu.addAction(f"{each} %", functools.partial(self.zoom_to, each))
        self.percent.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP + 2, 1, 2, 1)
        row.setSpacing(1)
        row.addWidget(self.opacity)
        row.addSpacing(GAP)
        for part in ("view.zoom_out", self.percent, "view.zoom_in", "view.fit", "view.actual_size"):
            if isinstance(part, str):
                button = command_button(QToolButton, actions, part, self)
                button.setAutoRaise(True)
                row.addWidget(button)
            else:
                row.addWidget(part)
        canvas.view_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say the zoom as it is now."""
        shown = self._canvas.document.project.image is not None
        text = f"{100 * self._scale():.0f} %" if shown else ""
        if self.percent.text() != text:
            self.percent.setText(text)
            self.percent.setAccessibleName(self.tr("Zoom: {percent}").format(percent=text))

    def zoom_to(self, percent: int) -> None:
        """Show the image at `percent` of its pixels, the middle staying where it is."""
        self._canvas.zoom(percent / 100 / self._scale())

    def _scale(self) -> float:
        """Device pixels per image pixel."""
        return self._canvas.viewport.scale * self._canvas.devicePixelRatioF()

    def _set_opacity(self, percent: int) -> None:
        self._canvas.options.mask_opacity = percent / 100
        self._canvas.tell_options()
