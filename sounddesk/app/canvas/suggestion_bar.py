"""Objects that the segmenter proposes, looked at one by one: accepted, skipped, or all taken."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.project import Project

# A proposal that an object covers this much of, and the other way round, is that object.
_KNOWN_OVERLAP = 0.5


class SuggestionBar(QFrame):
    """Hidden unless there are suggestions.

    Signals: shown(on): whether there are.
    """

    shown = Signal(bool)

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        segment: SegmentationWorker,
        canvas: ImageCanvas,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._segment = segment
        self._canvas = canvas
        self._job: int | None = None
        self._waiting: list[FoundMask] = []
        self._count = 0
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName(self.tr("Suggested objects"))
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 2)
        self._label = PlainLabel(parent=self)
        row.addWidget(self._label)
        row.addStretch(1)
        self._actions = actions
        actions.add(COMMANDS, owner=self)
        for name in ("accept_suggestion", "skip_suggestion", "accept_all_suggestions", "end_suggestions"):
            row.addWidget(command_button(QToolButton, actions, f"objects.{name}", self))
        segment.suggested.connect(self._on_suggested)
        segment.failed.connect(self._on_failed)
        document.replaced.connect(self.end)
        document.changed.connect(self._on_changed)
        self.hide()

    @property
    def waiting(self) -> int:
        """Suggestions that were not answered yet."""
        return len(self._waiting)

    def ask(self) -> None:
        """Have objects proposed; clicks wait until they are there."""
        if self._document.image is None:
            notifier.warning(self.tr("There is no image yet: open one first."))
            return
        self.end()
        self._canvas.set_busy(True)
        notifier.info(self.tr("Looking for objects that stand out…"))
        self._job = self._segment.suggest()

    def accept(self) -> None:
        """Make the suggestion shown an object."""
        if self._waiting:
            self._add(self._waiting[:1], self.tr("Accept suggestion"))
            self.skip()

    def accept_all(self) -> None:
        """Make all that are left objects, in one step."""
        if self._waiting:
            self._add(self._waiting, self.tr("Accept suggestions"))
        self.end()

    def skip(self) -> None:
        """Go on to the next one."""
        self._waiting = self._waiting[1:]
        self._show()

    def end(self) -> None:
        """No more suggestions."""
        if self._job is not None:
            self._canvas.set_busy(False)
        self._waiting, self._job = [], None
        self._show()

    def _add(self, found: list[FoundMask], text: str) -> None:
        project, made = self._document.project, []
        for each in found:
            assert each.mask is not None
            number = sum(o.kind == "object" for o in project.objects) + 1
            name = self.tr("object {number}").format(number=number)
            project, object_id = project.with_new_object(name=name, mask=each.mask)
            made.append(object_id)
        self._document.commit(text, project)
        self._selection.select_objects(made[-1:])

    def _show(self) -> None:
        waiting = self._waiting
        self.setVisible(bool(waiting))
        self.shown.emit(bool(waiting))
        self._actions.refresh()
        self._canvas.show_suggestion(waiting[0].pixels if waiting else None)
        if waiting:
            number = self._count - len(waiting) + 1
            text = self.tr("Suggestion {number} of {count}: is this an object that sounds?")
            self._label.setText(text.format(number=number, count=self._count))

    def _on_suggested(self, job: int, found: tuple[FoundMask, ...]) -> None:
        if job != self._job:
            return
        self._job = None
        self._canvas.set_busy(False)
        masks = [each.mask.to_bool() for each in self._document.project.objects if each.kind == "object"]
        self._waiting = [each for each in found if not any(_same(each.pixels, mask) for mask in masks)]
        self._count = len(self._waiting)
        if not self._waiting:
            notifier.info(self.tr("Nothing else stands out: click on an object, draw a box or paint it."))
        self._show()

    def _on_failed(self, job: int, text: str) -> None:
        if job == self._job:
            self._job = None
            self._canvas.set_busy(False)
            notifier.warning(text)

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.image != new.image:
            self.end()


COMMANDS: Final[tuple[Command[SuggestionBar], ...]] = (
    Command("objects.suggest", "&Suggest objects", SuggestionBar.ask, menu="Objects", section="suggest",
            keys="Ctrl+Shift+O"),
    Command("objects.accept_suggestion", "Acce&pt suggestion", SuggestionBar.accept, menu="Objects",
            section="suggest", keys="Ctrl+Return", label="Accept", enabled=lambda it: it.waiting > 0),
    Command("objects.skip_suggestion", "S&kip suggestion", SuggestionBar.skip, menu="Objects", section="suggest",
            keys="Ctrl+Shift+Return", label="Skip", enabled=lambda it: it.waiting > 0),
    Command("objects.accept_all_suggestions", "Accept a&ll suggestions", SuggestionBar.accept_all, menu="Objects",
            section="suggest", label="Accept all", enabled=lambda it: it.waiting > 0),
    Command("objects.end_suggestions", "S&top suggestions", SuggestionBar.end, menu="Objects", section="suggest",
            label="Stop", enabled=lambda it: it.waiting > 0),
)  # fmt: skip


def _same(one: BoolMask, other: BoolMask) -> bool:
    union = (one | other).sum()
    return bool(union) and float((one & other).sum() / union) > _KNOWN_OVERLAP
