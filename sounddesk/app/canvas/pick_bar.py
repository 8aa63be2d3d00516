"""The bar above the canvas: what the next click does, part, thing or group, and whether the image is being read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.canvas.tools.canvas_port import PickMode
from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.elided_label import ElidedLabel
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import PADDING
from sounddesk.app.look.theme import PICK_COLOURS
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.selection import SCALES
from sounddesk.domain.selection import Scale

# Side of the square in the mode's colour, which is the colour of the preview too.
_SWATCH: Final = 10
_PICK_COMMANDS: Final[dict[PickMode, str]] = {
    "new": "mask.new_object",
    "add": "mask.add_to_object",
    "remove": "mask.remove_from_object",
}
# Of the dots that walk while something is awaited.
_STEP_MS: Final = 350
# An answer that comes at once needs no sign: it would only flicker.
_SIGN_AFTER_MS: Final = 150


class PickBar(QFrame):
    """Shown while a tool is in hand that selects.

    Signals: shown(on): whether it is.
    """

    shown = Signal(bool)

    def __init__(
        self, canvas: ImageCanvas, segment: SegmentationWorker, actions: CommandRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._segment = segment
        self._actions = actions
        actions.add(COMMANDS, owner=self)
        self.setAccessibleName(self.tr("What clicks do"))
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, 0, GAP, 0)
        row.setSpacing(2)
        for command_id in _PICK_COMMANDS.values():
            button = command_button(QToolButton, actions, command_id, self)
            button.setAutoRaise(True)
            row.addWidget(button)
        row.addSpacing(PADDING)
        self._scales: dict[Scale, QToolButton] = {}
        names = {"part": self.tr("Part"), "thing": self.tr("Thing"), "group": self.tr("Group")}
        for scale in SCALES:
            each = QToolButton(self)
            each.setText(names[scale])
            each.setCheckable(True)
            each.setAutoRaise(True)
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            each.clicked.connect(partial(self._choose_scale, scale))
            self._scales[scale] = each
            row.addWidget(each)
        row.addSpacing(PADDING)
        self._swatch = PlainLabel(parent=self)
        row.addWidget(self._swatch)
        row.addSpacing(GAP)
        # The names of objects may be long: the text yields, so that no button is ever out of sight.
        self._text = ElidedLabel(parent=self)
        row.addWidget(self._text, 1)
        self._steps = 0
        self._late = False
        self._timer = QTimer(self)
        self._timer.setInterval(_STEP_MS)
        self._timer.timeout.connect(self._step)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_SIGN_AFTER_MS)
        self._delay.timeout.connect(self._show_late)
        canvas.status_changed.connect(self.refresh)
        canvas.options_changed.connect(self.refresh)
        segment.preparing.connect(lambda _on: self.refresh())
        self.refresh()

    def set_pick(self, pick: PickMode, _on: bool = True) -> None:
        """What clicks and boxes do from now on."""
        if pick != self._canvas.options.pick:
            self._canvas.options.pick = pick
            self._canvas.tell_options()
        self.refresh()

    def next_candidate(self) -> None:
        """Another of the things that the click may mean."""
        self._canvas.tool.next_candidate()

    def refresh(self) -> None:
        """Show what the tool says of itself."""
        status = self._canvas.tool.status()
        self.setVisible(status is not None)
        self.shown.emit(status is not None)
        if status is None:
            self._timer.stop()
            return
        pick = self._canvas.options.pick
        self._actions[_PICK_COMMANDS[pick]].setChecked(True)
        progress = self._progress(status.waiting)
        self._text.setText(progress or status.text)
        swatch = QPixmap(_SWATCH, _SWATCH)
        swatch.fill(PICK_COLOURS[pick])
        self._swatch.setPixmap(swatch)
        wanted = self._canvas.options.scale
        for scale, button in self._scales.items():
            button.setChecked(scale == (status.scale or wanted))
            button.setEnabled(not status.scales or scale in status.scales)
            button.setToolTip(self._tip(scale))
            # There is nothing to choose from yet, and the text needs the room.
            button.setVisible(not self._segment.is_preparing)

    def _tip(self, scale: Scale) -> str:
        keys = self._actions["mask.next_candidate"].shortcut().toString()
        texts = {
            "part": self.tr("The part that was clicked on"),
            "thing": self.tr("The whole thing"),
            "group": self.tr("All that belongs together"),
        }
        return f"{texts[scale]} ({keys})" if keys else texts[scale]

    def _progress(self, waiting: int) -> str:
        """The sign that it works; empty where nothing is awaited, or not for long yet."""
        preparing = self._segment.is_preparing
        if not preparing and not waiting:
            self._delay.stop()
            self._timer.stop()
            self._late = False
            return ""
        if not preparing and not self._late:
            if not self._delay.isActive():
                self._delay.start()
            return ""
        if not self._timer.isActive():
            self._timer.start()
        if not preparing:
            text = self.tr("Working")
        elif waiting == 0:
            text = self.tr("Reading the image")
        elif waiting == 1:
            text = self.tr("Reading the image, 1 click waits")
        else:
            text = self.tr("Reading the image, {count} clicks wait").format(count=waiting)
        return f"{text}{'.' * (1 + self._steps % 3):<3}"

    def _show_late(self) -> None:
        self._late = True
        self.refresh()

    def _step(self) -> None:
        self._steps += 1
        self.refresh()

    def _choose_scale(self, scale: Scale) -> None:
        self._canvas.options.scale = scale
        self._canvas.tool.follow_scale()
        self.refresh()


def _pick(pick: PickMode) -> Callable[[PickBar, bool], object]:
    return lambda bar, _on: bar.set_pick(pick)


COMMANDS: Final[tuple[Command[PickBar], ...]] = (
    Command("mask.new_object", "&New object", switch=_pick("new"), checked=True, group="pick", menu="Mask",
            section="pick", keys="O", label="New", tip="A click begins an object, or selects the one it is on"),
    Command("mask.add_to_object", "A&dd to object", switch=_pick("add"), group="pick", menu="Mask", section="pick",
            keys="A", label="Add", tip="A click adds to the object"),
    Command("mask.remove_from_object", "Rem&ove from object", switch=_pick("remove"), group="pick", menu="Mask",
            section="pick", keys="X", label="Remove", tip="A click takes away from the object"),
    Command("mask.next_candidate", "Part, t&hing or group", PickBar.next_candidate, menu="Mask", section="pick",
            keys="T"),
)  # fmt: skip
