"""Objects that the segmenter proposes, looked at one by one: accepted, skipped, or all taken."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QToolButton

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.elided_label import ElidedLabel
from sounddesk.app.look.theme import PADDING
from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.suggestion_worker import SuggestedMask
from sounddesk.app.workers.suggestion_worker import SuggestionWorker
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.object_naming import with_recognised_object
from sounddesk.domain.project import Project

# A proposal that an object covers this much of, and the other way round, is that object.
_KNOWN_OVERLAP = 0.5


class SuggestionBar(QFrame):
    """Lies on the canvas, at its upper edge; hidden unless there are suggestions, or some are being looked for."""

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        search: SuggestionWorker,
        canvas: ImageCanvas,
    ) -> None:
        super().__init__(canvas)
        self._document = document
        self._selection = selection
        self._search = search
        self._canvas = canvas
        self._job: int | None = None
        self._waiting: list[SuggestedMask] = []
        self._count = 0
        self.setProperty("surface", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAccessibleName(self.tr("Suggested objects"))
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 2)
        self._label = ElidedLabel(parent=self)
        row.addWidget(self._label, 1)
        self._actions = actions
        actions.add(COMMANDS, owner=self)
        for name in ("accept_suggestion", "skip_suggestion", "accept_all_suggestions", "end_suggestions"):
            row.addWidget(command_button(QToolButton, actions, f"objects.{name}", self))
        search.found.connect(self._on_suggested)
        search.ended.connect(self._on_ended)
        document.replaced.connect(self.end)
        document.changed.connect(self._on_changed)
        canvas.view_changed.connect(self._place)
        self.hide()

    @property
    def waiting(self) -> int:
        """Suggestions that were not answered yet."""
        return len(self._waiting)

    @property
    def is_active(self) -> bool:
        """Whether there are suggestions, or some are still being looked for."""
        return bool(self._waiting) or self._job is not None

    def ask(self) -> None:
        """Have objects suggested; they come one by one, and clicks are answered meanwhile."""
        if self._document.image is None:
            notifier.warning(self.tr("There is no image yet: open one first."))
            return
        self.end()
        objects = self._document.project.objects
        taken = [each.mask for each in objects if each.kind == "object" and not each.mask.is_empty]
        self._job = self._search.search(taken)
        self._show()

    def accept(self) -> None:
        """Make the suggestion shown an object."""
        if self._waiting:
            self._add(self._waiting[:1], self.tr("Accept suggestion"))
            self.skip()

    def accept_all(self) -> None:
        """Make all that were found objects, in one step, and look for no more."""
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
            self._job = None
            self._search.cancel()
        self._waiting, self._count = [], 0
        self._show()

    def _add(self, suggestions: list[SuggestedMask], text: str) -> None:
        project, made = self._document.project, []
        for each in suggestions:
            number = sum(o.kind == "object" for o in project.objects) + 1
            name = self.tr("object {number}").format(number=number)
            project, object_id = project.with_new_object(name=name, mask=each.found.mask, named_by="number")
            if each.recognised is not None:
                project = with_recognised_object(project, object_id, each.recognised)
            made.append(object_id)
        self._document.commit(text, project)
        self._selection.select_objects(made[-1:])

    def _show(self) -> None:
        waiting = self._waiting
        self.setVisible(self.is_active)
        self._actions.refresh()
        self._canvas.show_suggestion(waiting[0].found.pixels if waiting else None)
        if waiting:
            number = self._count - len(waiting) + 1
            text = self.tr("Suggestion {number} of {count}{more}: {name}. Is this an object that sounds?")
            more = self.tr(" so far") if self._job is not None else ""
            self._label.setText(text.format(number=number, count=self._count, more=more, name=_named(waiting[0])))
        elif self._job is not None:
            self._label.setText(self.tr("Looking for objects that sound…"))
        self._place()

    def _place(self) -> None:
        """In the middle, and no wider than the canvas."""
        width = min(self.sizeHint().width(), self._canvas.width() - 2 * PADDING)
        self.setGeometry((self._canvas.width() - width) // 2, PADDING, width, self.sizeHint().height())

    def _on_suggested(self, job: int, suggestion: SuggestedMask) -> None:
        if job != self._job:
            return
        masks = [each.mask.to_bool() for each in self._document.project.objects if each.kind == "object"]
        # What was selected by hand since the search began.
        if not any(_same(suggestion.found.pixels, mask) for mask in masks):
            self._waiting.append(suggestion)
            self._count += 1
            self._show()

    def _on_ended(self, job: int, error: Exception | None) -> None:
        if job != self._job:
            return
        self._job = None
        if error is not None:
            notifier.refused(error)
        elif not self._count:
            notifier.info(self.tr("Nothing else stands out: click on an object, draw a box or paint it."))
        self._show()

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.image != new.image:
            self.end()


def _named(suggestion: SuggestedMask) -> str:
    """What it is recognised as."""
    best = None if suggestion.recognised is None else suggestion.recognised.name
    if best is None:
        return QCoreApplication.translate("SuggestionBar", "something")
    return QCoreApplication.translate("SuggestionBar", "{name}, {percent} sure").format(
        name=best.name, percent=best.percent
    )


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
            label="Stop", enabled=lambda it: it.is_active),
)  # fmt: skip


def _same(one: BoolMask, other: BoolMask) -> bool:
    union = (one | other).sum()
    return bool(union) and float((one & other).sum() / union) > _KNOWN_OVERLAP
