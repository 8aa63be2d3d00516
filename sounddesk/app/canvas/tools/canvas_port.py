"""What the canvas offers a tool. Tools know this and not the canvas, so that neither needs the other's module."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Final
from typing import Literal
from typing import Protocol
from typing import overload

from PySide6.QtCore import QObject
from PySide6.QtCore import QRect
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from sounddesk.app.canvas.viewport import Viewport
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.mask_change import MaskChange
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.mask_edits import Mode
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.selection import Scale

# What a click or a box does: begin an object, or add to the current one, or take away from it.
PickMode = Literal["new", "add", "remove"]
_MODIFIER_KEYS: Final = {
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
    Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
}


@dataclass
class ToolOptions:
    """What the option strip sets: brush diameter in image pixels, hardness 0 to 1, colour tolerance 0 to 255.

    `pick` is what clicks and boxes do; `scale` which of a click's candidates is wanted, None for the likeliest;
    `mask_opacity` how much masks cover, from 0 for their outlines alone to 1.
    """

    diameter: float = 40.0
    hardness: float = 0.8
    tolerance: int = 24
    contiguous: bool = True
    mode: Mode = "add"
    pick: PickMode = "new"
    scale: Scale | None = None
    mask_opacity: float = 1.0


@dataclass(frozen=True, kw_only=True)
class CanvasMouse:
    """A mouse (or keyboard cross-hair) event in image pixels."""

    x: float
    y: float
    button: Qt.MouseButton
    modifiers: Qt.KeyboardModifier

    @property
    def negative(self) -> bool:
        """The right button, or Alt: 'not this'."""
        return self.button == Qt.MouseButton.RightButton or bool(self.modifiers & Qt.KeyboardModifier.AltModifier)

    @property
    def adding(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    def with_key(self, key: int, *, held: bool) -> CanvasMouse | None:
        """The same place with a key held or let go that changes what a click does; None for any other key."""
        if key not in _MODIFIER_KEYS:
            return None
        bit = _MODIFIER_KEYS[Qt.Key(key)]
        return replace(self, modifiers=self.modifiers | bit if held else self.modifiers & ~bit)

    @property
    def fresh(self) -> bool:
        """Ctrl (Cmd on a Mac): a new object in any case."""
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)


@dataclass(frozen=True, kw_only=True)
class ToolStatus:
    """What a tool that selects says of itself on the canvas.

    Attributes:
        text: what the next click does.
        scales: the candidates that there are to choose from.
        scale: the one that is shown, where there is one.
        waiting: clicks whose answer is awaited.
    """

    text: str
    scales: tuple[Scale, ...] = ()
    scale: Scale | None = None
    waiting: int = 0


class CanvasPort(Protocol):
    """The canvas as tools see it. Positions are image pixels unless said otherwise.

    Attributes:
        document: a drag is `begin`, any number of `preview`s and `end`, which makes it one undo step.
        segment: answers clicks and boxes with masks, later.
        options: shared by all tools.
        viewport: from image pixels to the widget's logical pixels and back.
        hover_preview: whether candidates are shown before the click.
    """

    document: Document
    selection: SelectionModel
    segment: SegmentationWorker
    options: ToolOptions
    viewport: Viewport
    hover_preview: bool

    @property
    def owner(self) -> QObject:
        """The parent for a tool's timers and workers."""

    def is_in_hand(self, tool: object) -> bool:
        """Whether this tool is the one in use."""

    def current_object(self) -> SceneObject | None:
        """The object that is worked on."""

    def inside(self, x: float, y: float) -> bool:
        """Whether a position lies on the image."""

    def show_change(self, change: MaskChange | None, *, colour: QColor | None = None) -> None:
        """Show what a click would change; `colour` of what comes in, by default that of an addition."""

    def show_cursor(self) -> None:
        """The tool's cursor is another one now."""

    def tell_status(self) -> None:
        """The tool's `status` is another one now."""

    def tell_options(self) -> None:
        """The tool has changed `options`."""

    @overload
    def update(self) -> None: ...
    @overload
    def update(self, rect: QRect, /) -> None: ...
