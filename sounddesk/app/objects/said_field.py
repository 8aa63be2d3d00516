"""A field for words that select an object: 'the dog on the left'."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.said_worker import SaidWorker
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.domain.scene import free_name
from sounddesk.engine.prompters.phrase import read_phrase


class SaidField(QLineEdit):
    """Return looks for what is written; what is found becomes an object of that name, in one undo step."""

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        worker: SaidWorker,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._worker = worker
        self._job: int | None = None
        self._thing = ""
        self.setAccessibleName(self.tr("Select by words"))
        self.setToolTip(self.tr("Select an object by what it is and where it is, in English. Return looks for it."))
        self.setClearButtonEnabled(True)
        actions.add(COMMANDS, owner=self)
        self.returnPressed.connect(self._ask)
        worker.found.connect(self._on_found)
        worker.ended.connect(self._on_ended)
        document.replaced.connect(self.stop)
        document.changed.connect(lambda old, new: self.stop() if old.image != new.image else None)
        self._show()

    @property
    def is_looking(self) -> bool:
        return self._job is not None

    def begin(self) -> None:
        """Go to the field."""
        self.setFocus()
        self.selectAll()

    def stop(self) -> None:
        """Look no more."""
        if self._job is not None:
            self._job = None
            self._worker.cancel()
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Escape stops a search."""
        if event.key() == Qt.Key.Key_Escape and self.is_looking:
            self.stop()
            event.accept()
            return
        super().keyPressEvent(event)

    def _ask(self) -> None:
        if self._document.image is None:
            notifier.warning(self.tr("There is no image yet: open one first."))
            return
        try:
            self._thing = read_phrase(self.text()).thing
        except ValueError as error:
            notifier.refused(error)
            return
        self._job = self._worker.search(self.text())
        self._show()

    def _on_found(self, job: int, found: FoundMask) -> None:
        if job != self._job:
            return
        self._job = None
        self._show()
        mask, thing = found.mask, self._thing

        def add() -> None:
            project = self._document.project
            name = free_name(thing, [each.name for each in project.objects])
            project, object_id = project.with_new_object(name=name, mask=mask)
            self._document.commit(self.tr("Select {name}").format(name=name), project)
            self._selection.select_objects([object_id])

        self._document.when_free(add)
        self.clear()

    def _on_ended(self, job: int, error: Exception | None) -> None:
        if job != self._job:
            return
        self._job = None
        self._show()
        if error is not None:
            notifier.refused(error)

    def _show(self) -> None:
        self.setReadOnly(self.is_looking)
        waiting = self.tr("Looking for it… Escape stops")
        self.setPlaceholderText(waiting if self.is_looking else self.tr("Select by words: the dog on the left"))


COMMANDS: Final[tuple[Command[SaidField], ...]] = (
    Command("objects.say", "Select by &words", SaidField.begin, menu="Objects", section="suggest",
            keys="Ctrl+Shift+W", tip="Write what is to be selected, such as the dog on the left"),
)  # fmt: skip
