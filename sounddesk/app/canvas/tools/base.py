"""What every tool on the canvas can do."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen

from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.canvas_port import PickMode
from sounddesk.app.canvas.tools.canvas_port import ToolStatus
from sounddesk.app.notifications import notifier
from sounddesk.domain.mask_edits import Mode
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask

# Drawn one over the other: seen on any ground.
DASHED: Final = (
    QPen(Qt.GlobalColor.black, 1.5, Qt.PenStyle.SolidLine),
    QPen(Qt.GlobalColor.white, 1.5, Qt.PenStyle.DashLine),
)


class Tool:
    """Base of all tools: does nothing. Positions are image pixels.

    Attributes:
        paints: it works on the pixels of the current object's mask, and the picture around it is darkened.
    """

    cursor = Qt.CursorShape.CrossCursor
    paints = False

    def __init__(self, canvas: CanvasPort) -> None:
        self.canvas = canvas

    def activate(self) -> None: ...

    def deactivate(self) -> None:
        self.cancel()

    def press(self, event: CanvasMouse) -> None: ...

    def move(self, event: CanvasMouse) -> None: ...

    def release(self, event: CanvasMouse) -> None: ...

    def hover(self, event: CanvasMouse) -> None: ...

    def leave(self) -> None: ...

    def double_click(self, event: CanvasMouse) -> None: ...

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """True where the tool used the key."""
        del key, modifiers
        return False

    def cancel(self) -> None:
        """Leave what is half done."""

    def close(self) -> None:
        """End what runs on other threads."""

    def forget_image(self) -> None:
        """Another image is coming: what was asked about this one is of no use any more."""
        self.cancel()

    def status(self) -> ToolStatus | None:
        """What it does with clicks, for a tool that selects."""
        return None

    def next_candidate(self) -> None:
        """Another one of the things that the last or the next click may mean."""

    def follow_scale(self) -> None:
        """`ToolOptions.scale` is another one now."""

    def paint(self, painter: QPainter) -> None:
        """Draw on top of the canvas, in widget coordinates (`canvas.to_widget`)."""
        del painter

    def make_cursor(self) -> QCursor:
        return QCursor(self.cursor)

    # ------------------------------------------------------------------ help for tools

    def tr(self, text: str) -> str:
        return QCoreApplication.translate("Tool", text)

    def at(self, x: float, y: float) -> QPointF:
        return QPointF(*self.canvas.viewport.to_widget(x, y))

    def mode_of(self, event: CanvasMouse) -> Mode:
        """Shift adds, Alt or the right button takes away, both intersect; else what the option strip says."""
        alt = event.negative
        if event.adding and alt:
            return "intersect"
        if event.adding:
            return "add"
        return "subtract" if alt else self.canvas.options.mode

    def pick_of(self, event: CanvasMouse) -> PickMode:
        """Ctrl begins an object, Shift adds, Alt or the right button takes away; else what the mode says."""
        if event.fresh:
            return "new"
        if event.negative:
            return "remove"
        return "add" if event.adding else self.canvas.options.pick

    def text_of(self, pick: PickMode) -> str:
        """What a click or a box does in a mode, for the bar."""
        current = self.canvas.current_object()
        if pick == "new" or current is None:
            return self.tr("New object")
        text = self.tr("Add to {name}") if pick == "add" else self.tr("Remove from {name}")
        return text.format(name=current.name)

    def set_pick(self, pick: PickMode) -> None:
        """Another mode from now on; the window shows it."""
        if pick != self.canvas.options.pick:
            self.canvas.options.pick = pick
            self.canvas.tell_options()

    def editable(self) -> SceneObject | None:
        """The current object where its mask may be edited; refuses a locked one with a message."""
        current = self.canvas.current_object()
        return None if current is None or self.refuses(current) else current

    def refuses(self, found: SceneObject) -> bool:
        """Whether an object's mask may not be edited; says why."""
        if found.kind == "blend":
            notifier.warning(self.tr("A blend has no mask of its own: select one of its objects."))
        elif found.locked:
            notifier.warning(self.tr("{name} is locked: unlock it first.").format(name=repr(found.name)))
        return found.kind == "blend" or found.locked

    def blocked(self, mode: Mode = "add") -> bool:
        """Whether the current object may not be edited, or `mode` needs one and there is none; says so."""
        if self.canvas.current_object() is not None:
            return self.editable() is None
        if mode in ("subtract", "intersect"):
            notifier.warning(self.tr("There is nothing to take away from: select an object first."))
            return True
        return False

    def with_mask(self, project: Project, mask: TiledMask, *, fresh: bool = False) -> tuple[Project, str, str]:
        """The project with the mask in the current object, or in a new one; (project, object id, name of the step)."""
        current = None if fresh else self.canvas.current_object()
        if current is not None:
            changed = project.with_changed_object(current.id, mask=mask)
            return changed, current.id, self.tr("Edit mask of {name}").format(name=current.name)
        number = sum(each.kind == "object" for each in project.objects) + 1
        project, object_id = project.with_new_object(
            name=self.tr("object {number}").format(number=number), mask=mask, named_by="number"
        )
        name = project.object(object_id).name
        return project, object_id, self.tr("Add {name}").format(name=name)

    def mask_or_empty(self) -> TiledMask:
        """The current object's mask, or an empty one of the image's size."""
        current = self.canvas.current_object()
        if current is not None:
            return current.mask
        info = self.canvas.document.project.image
        assert info is not None
        return TiledMask.empty(width=info.width, height=info.height)
