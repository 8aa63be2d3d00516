"""Objects get the names of what they show, as long as nobody typed a name."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.settings import Settings
from sounddesk.app.workers.naming_worker import NamingJob
from sounddesk.app.workers.naming_worker import NamingWorker
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.object_naming import with_next_guess
from sounddesk.domain.object_naming import with_recognised_object
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask

# Strokes and clicks that follow each other fast are asked about once.
_PAUSE_MS: Final = 120


class ObjectNaming(QObject):
    """Asks what an object is when its mask is made or changed, and names it.

    A name is an undo step of its own. Undone, the object is not named again by itself.
    """

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        settings: Settings,
        worker: NamingWorker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._settings = settings
        self._worker = worker
        self._seen: dict[str, SceneObject] = {}
        self._due: set[str] = set()
        self._refused: set[str] = set()
        # What the recogniser said last of a mask, confident or not: for the key that takes the next guess.
        self._answers: dict[str, tuple[TiledMask, RecognisedObject]] = {}
        self._wanted: str | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._ask_due)
        actions.add(COMMANDS, owner=self)
        worker.recognised.connect(self._on_recognised)
        worker.failed.connect(lambda error: notifier.refused(error, title=self.tr("Objects are not named.")))
        document.committed.connect(self._on_committed)
        document.replaced.connect(self._on_replaced)
        self._on_replaced()

    def take_next_guess(self) -> None:
        """Name the current object by the next thing that it may be."""
        current_id = self._selection.current_object_id
        if current_id is None:
            notifier.warning(self.tr("No object is selected: click on one first."))
            return
        current = self._document.project.object(current_id)
        if current.locked:
            notifier.warning(self.tr("{name} is locked: unlock it first.").format(name=repr(current.name)))
        elif current.kind != "object" or current.mask.is_empty:
            notifier.warning(self.tr("Nothing is selected of {name} yet.").format(name=repr(current.name)))
        elif current.guesses or self._answer(current) is not None:
            self._name_by_next(current)
        else:
            self._wanted = current_id
            self._ask(current)

    # ------------------------------------------------------------------ following the document

    def _on_replaced(self) -> None:
        self._worker.drop_all()
        self._timer.stop()
        self._due.clear()
        self._refused.clear()
        self._answers.clear()
        self._wanted = None
        self._seen = {each.id: each for each in self._document.project.objects}

    def _on_committed(self, project: Project) -> None:
        seen, self._seen = self._seen, {each.id: each for each in project.objects}
        stack = self._document.undo_stack
        undone = stack.index() < stack.count()
        for each in project.objects:
            before = seen.get(each.id)
            if before is each:
                continue
            if undone and before is not None and before.named_by == "guess" and each.named_by == "number":
                self._refused.add(each.id)
            elif not undone and self._is_new_question(each, before):
                self._due.add(each.id)
        if self._due and self._settings.name_objects:
            self._timer.start()

    def _is_new_question(self, found: SceneObject, before: SceneObject | None) -> bool:
        if found.kind != "object" or found.named_by == "user" or found.id in self._refused or found.mask.is_empty:
            return False
        if before is None:
            # One that comes with its name, as a suggestion does, is not asked about.
            return found.named_by == "number"
        return found.mask is not before.mask

    def _ask_due(self) -> None:
        due, self._due = self._due, set()
        for each in self._document.project.objects:
            if each.id in due and not each.mask.is_empty:
                self._ask(each)

    def _ask(self, found: SceneObject) -> None:
        image = self._document.image
        if image is not None:
            self._worker.ask(NamingJob(object_id=found.id, image=image, mask=found.mask))

    # ------------------------------------------------------------------ answers

    def _on_recognised(self, job: NamingJob, result: RecognisedObject) -> None:
        self._answers[job.object_id] = (job.mask, result)
        self._document.when_free(lambda: self._take_over(job))

    def _take_over(self, job: NamingJob) -> None:
        project = self._document.project
        found = next((each for each in project.objects if each.id == job.object_id), None)
        answer = None if found is None else self._answer(found)
        if found is None or answer is None:
            return
        if self._wanted == found.id:
            self._wanted = None
            if not found.locked:
                self._name_by_next(found)
        elif found.id not in self._refused and self._settings.name_objects:
            self._commit(project, with_recognised_object(project, found.id, answer), found)

    def _answer(self, found: SceneObject) -> RecognisedObject | None:
        """What was said of the object's present mask."""
        mask, answer = self._answers.get(found.id, (None, None))
        return answer if mask is found.mask else None

    def _name_by_next(self, found: SceneObject) -> None:
        project = self._document.project
        answer = self._answer(found)
        try:
            changed = with_next_guess(project, found.id, () if answer is None else answer.guesses)
        except ValueError as error:
            notifier.refused(error)
            return
        self._commit(project, changed, found)
        named = changed.object(found.id)
        assert named.guess is not None
        guess = named.guesses[named.guess]
        notifier.info(
            self.tr("{name}: guess {number} of {count}, {percent} sure").format(
                name=named.name, number=named.guess + 1, count=len(named.guesses), percent=guess.percent
            )
        )

    def _commit(self, project: Project, changed: Project, found: SceneObject) -> None:
        if changed is not project:
            name = changed.object(found.id).name
            self._document.commit(self.tr("Name {old} {new}").format(old=found.name, new=name), changed)


COMMANDS: Final[tuple[Command[ObjectNaming], ...]] = (
    Command("objects.next_guess", "Name by ne&xt guess", ObjectNaming.take_next_guess, menu="Objects",
            section="objects", keys="F3", tip="Name the object by the second or third thing that it may be"),
)  # fmt: skip
