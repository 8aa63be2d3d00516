"""What is done with the library in the window: searches, listening, takes of recordings, scans."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from pathlib import Path
from typing import Any
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from sounddesk.app.commands.command import Command
from sounddesk.app.library.library_jobs import AuditionJob
from sounddesk.app.library.library_jobs import LibraryJob
from sounddesk.app.library.library_jobs import SearchAnswer
from sounddesk.app.library.library_jobs import SearchJob
from sounddesk.app.library.library_jobs import SoughtObject
from sounddesk.app.library.library_jobs import StarJob
from sounddesk.app.library.library_jobs import TakeJob
from sounddesk.app.library.library_panel import LibraryPanel
from sounddesk.app.library.library_worker import LibraryWorker
from sounddesk.app.notifications import as_sentence
from sounddesk.app.notifications import notifier
from sounddesk.app.runtime.revealing import reveal
from sounddesk.app.services import Services
from sounddesk.domain.recordings import FoundEvent
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.engine.tasks import Progress
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library import default_library_path


class Recordings(QObject):
    """Connects the library's panel with the document, the player and the library's threads."""

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.worker = LibraryWorker(_open_default, self)
        self._last: SearchJob | None = None
        # Asked for by commands before the panel, which has buttons for them, is there.
        self._selected: tuple[FoundEvent, ...] = ()
        services.actions.add(COMMANDS, owner=self)
        self.panel = LibraryPanel(services.actions)
        self.panel.search_changed.connect(self.search)
        self.panel.list.use_requested.connect(self.use)
        self.panel.list.itemSelectionChanged.connect(self._on_selected)
        self.worker.answered.connect(self._on_answer)
        self.worker.failed.connect(self._on_failed)
        self.worker.scan_progressed.connect(self._on_scan_progress)
        self.worker.scan_ended.connect(self._on_scan_ended)
        self.panel.show_state(self.tr("Add a folder of recordings, then search by words or for an object."))

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits."""
        self.worker.stop()

    def close(self) -> None:
        """End the threads and wait for them."""
        self.worker.close()

    @property
    def has_selection(self) -> bool:
        """Whether a recording is selected."""
        return bool(self._selected)

    def _on_selected(self) -> None:
        self._selected = tuple(self.panel.list.selected)
        self._services.actions.refresh()

    # ------------------------------------------------------------------ searching

    def search(self) -> None:
        """Search for the words in the panel; without any, the last search again with other filters."""
        words = self.panel.words.text().strip()
        if words:
            # The first search brings the library into memory, which takes seconds.
            self.panel.show_state(self.tr("Looking for recordings"))
            self._ask(SearchJob(words=words))
        elif self._last is not None and not self._last.words:
            self._ask(self._last)

    def search_for_object(self) -> None:
        """Rank the library for the current object."""
        services = self._services
        current_id, image = services.selection.current_object_id, services.document.image
        if current_id is None or image is None:
            notifier.warning(self.tr("No object is selected: click on one first."))
            return
        project = services.document.project
        found = project.object(current_id)
        if not project.has_sounding_mask(current_id):
            notifier.warning(self.tr("The mask of {name} is empty: select it first.").format(name=repr(found.name)))
            return
        self.panel.set_words("")
        self.panel.show_state(self.tr("Looking for recordings of {name}").format(name=found.name))
        sought = SoughtObject(
            image=image,
            mask=project.sounding_mask(current_id),
            name="" if found.named_by == "number" else found.name,
            by_user=found.named_by == "user",
            prompt=found.hint or "",
            bundle=project.settings.bundle,
            device=services.generation.device,
        )
        self._ask(SearchJob(sought=sought))

    def search_alike(self) -> None:
        """Find what sounds like the selected recording."""
        for each in self._selected[:1]:
            self.panel.set_words("")
            self._ask(SearchJob(like=each.event_id))

    def _ask(self, job: SearchJob) -> None:
        panel = self.panel
        self._last = dataclasses.replace(
            job,
            starred_only=panel.starred.isChecked(),
            commercial_only=panel.commercial.isChecked(),
            behaviour=str(panel.behaviour.currentData()),
        )
        self.worker.ask(self._last)

    # ------------------------------------------------------------------ what is done with recordings

    def listen(self) -> None:
        for each in self._selected[:1]:
            self.worker.ask(AuditionJob(found=each))

    def use(self) -> None:
        """Lay the selected recording out as a take of the current object."""
        services = self._services
        object_id = services.selection.current_object_id
        if object_id is None:
            notifier.warning(self.tr("No object is selected: click on one first."))
            return
        project = services.document.project
        current = project.object(object_id)
        number = services.document.takes.next_number(object_id)
        for each in self._selected[:1]:
            seed = take_seed(current.seed, name=current.name, take=number - 1)
            seconds = current.seconds or project.settings.seconds
            self.worker.ask(TakeJob(found=each, object_id=object_id, seconds=seconds, seed=seed))

    def star(self) -> None:
        chosen = self._selected
        if chosen:
            on = not all(each.recording.starred for each in chosen)
            self.worker.ask(StarJob(recording_ids=tuple(each.recording.id for each in chosen), on=on))

    def reveal(self) -> None:
        for each in self._selected[:1]:
            reveal(each.recording.path)

    def add_folder(self) -> None:
        """Take a folder into the library and scan it."""
        chosen = QFileDialog.getExistingDirectory(self.panel, self.tr("A folder of recordings"))
        if chosen:
            self.worker.scan(Path(chosen))
            self._services.actions.refresh()

    def scan(self) -> None:
        """Scan what is new, or stop the scan that runs."""
        if self.worker.is_scanning:
            self.worker.stop_scan()
        else:
            self.worker.scan()

    # ------------------------------------------------------------------ answers

    def _on_answer(self, job: LibraryJob, result: Any) -> None:
        if isinstance(job, SearchJob):
            self._show(result)
        elif isinstance(job, AuditionJob):
            self._services.player.audition_sound(result)
        elif isinstance(job, TakeJob):
            self._keep(job, result)
        elif self._last is not None:
            self.worker.ask(self._last)

    def _show(self, answer: SearchAnswer) -> None:
        self.panel.list.show_found(answer.found)
        if not answer.recordings:
            self.panel.show_state(self.tr("The library is empty: add a folder of recordings."))
        elif not answer.found:
            self.panel.show_state(self.tr("Nothing found among {count} recordings.").format(count=answer.recordings))
        else:
            self.panel.show_state(self.tr("{count} recordings in the library").format(count=answer.recordings))
        self._services.actions.refresh()

    def _keep(self, job: TakeJob, made: Any) -> None:
        """A take of recordings goes into the document and onto its lane."""
        document = self._services.document
        if all(each.id != job.object_id for each in document.project.objects):
            return
        take = Take(
            id=uuid.uuid4().hex,
            object_id=job.object_id,
            number=document.takes.next_number(job.object_id),
            seed=job.seed,
            waveform=made.waveform,
            sample_rate_hz=made.sample_rate_hz,
            recipe={**made.recipe, "file": job.found.recording.name},
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            notes=made.notes,
        )
        document.add_take(take)
        for note in made.notes:
            notifier.warning(as_sentence(note))
        document.when_free(lambda: self._place(take))

    def _place(self, take: Take) -> None:
        project = self._services.document.project
        if any(each.id == take.object_id for each in project.objects):
            placed = with_take_placed(project, take.object_id, take.id, take.seconds)
            self._services.document.commit(self.tr("Use recording"), placed)

    def _on_failed(self, job: LibraryJob | None, error: Exception) -> None:
        title = self.tr("The library could not be scanned.") if job is None else ""
        notifier.failed(error, title=title)
        if isinstance(job, SearchJob):
            self.panel.show_state("")

    def _on_scan_progress(self, progress: Progress) -> None:
        self.panel.show_scan(progress)
        left = "" if progress.remaining_s is None else self.tr(", {s} s left").format(s=f"{progress.remaining_s:.0f}")
        self.panel.show_state(
            self.tr("Scanning: {done} of {total} recordings").format(done=progress.done, total=progress.total) + left
        )

    def _on_scan_ended(self, report: Any) -> None:
        self.panel.show_scan(None)
        self.panel.show_state("")
        self._services.actions.refresh()
        if report is None:
            return
        notifier.info(as_sentence(report.line()))
        for folder, count in report.absent:
            notifier.warning(
                self.tr("{folder} is not there, or empty. Its {count} recordings are kept.").format(
                    folder=folder, count=count
                ),
                remedy=self.tr("Connect its disk and scan again."),
            )
        if report.problems:
            path, reason = report.problems[0]
            text = self.tr("{count} files cannot be used, {name} for one.")
            notifier.warning(text.format(count=len(report.problems), name=path.name), cause=reason)
        self.search()


def _open_default() -> Library:
    return Library(default_library_path())


COMMANDS: Final[tuple[Command[Recordings], ...]] = (
    Command("library.for_object", "&Find recordings for the object", Recordings.search_for_object, menu="Recordings",
            section="find", keys="Ctrl+Shift+L", label="For object"),
    Command("library.use", "&Use recording as take", Recordings.use, menu="Recordings", section="use",
            label="Use", enabled=lambda it: it.has_selection),
    Command("library.listen", "&Listen to recording", Recordings.listen, menu="Recordings", section="use",
            label="Play", enabled=lambda it: it.has_selection),
    Command("library.like", "&More like this recording", Recordings.search_alike, menu="Recordings", section="find",
            enabled=lambda it: it.has_selection),
    Command("library.star", "S&tar recording", Recordings.star, menu="Recordings", section="use",
            enabled=lambda it: it.has_selection),
    Command("library.reveal", "Show recording in its f&older", Recordings.reveal, menu="Recordings", section="use",
            enabled=lambda it: it.has_selection),
    Command("library.add_folder", "&Add folder of recordings", Recordings.add_folder, menu="Recordings",
            section="folders", label="Add folder"),
    Command("library.scan", "&Scan recordings, or stop", Recordings.scan, menu="Recordings", section="folders",
            label="Scan"),
)  # fmt: skip
