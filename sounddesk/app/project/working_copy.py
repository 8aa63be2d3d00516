"""The working copy: every committed state of the open project, on the disk within a moment, whatever happens next.

All work runs in order on one thread of its own. States that wait are overtaken by newer ones; takes and images never.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.app.project.file_lock import FileLock
from sounddesk.app.runtime.thread_priority import lower_thread_priority
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import JobEvent
from sounddesk.app.workers.serial_thread import SerialThread
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.domain.errors import OutputError
from sounddesk.domain.project import Project
from sounddesk.domain.recordings import names_of_recordings
from sounddesk.domain.take import Take
from sounddesk.storage.embedded_recordings import embed_recordings
from sounddesk.storage.embedded_recordings import embedded_recordings
from sounddesk.storage.embedded_recordings import extract_recording
from sounddesk.storage.library.library import default_library_path
from sounddesk.storage.path_text import user_data_folder
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents

_log = logging.getLogger(__name__)

SUFFIX: Final = ".sdesk-working"
_LOCAL_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS working_copy "
    "(one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT, name TEXT, dirty INTEGER, updated TEXT)"
)


def working_folder() -> Path:
    """Where working copies lie: `sounddesk/working` in the user's data folder."""
    return user_data_folder() / "working"


class _Inbox:
    """What is to be written of one project. Filled by the window, emptied by the writing thread."""

    def __init__(self, state: Project, takes: Iterable[Take], images: Iterable[tuple[str, bytes]]) -> None:
        self.mutex = threading.Lock()
        self.state = state
        self.takes = list(takes)
        self.images = list(images)
        self.waiting = True
        self.given_up = False


# Called on the writing thread with the result, or with None and the error.
OnEnd = Callable[[Any, Exception | None], object]


@dataclass(frozen=True, eq=False)
class _Task:
    work: Callable[[], Any]
    on_end: OnEnd | None = None


class WorkingCopy:
    """The database behind the open project. Methods may be called from any thread; they return at once.

    Args:
        on_problem: called from the writing thread with an error, once until writing works again.
    """

    def __init__(self, on_problem: Callable[[OutputError], None]) -> None:
        self._on_problem = on_problem
        self._thread = SerialThread[_Task, Any](
            _run, _tell, name="the work on the project", linger_s=2.0, on_start=lower_thread_priority
        )
        self._filling = _Inbox(Project(), (), ())
        self._written: _Inbox | None = None
        self._database: ProjectDatabase | None = None
        self._lock: FileLock | None = None
        self._saved: Project | None = None
        self._takes_unsaved = False
        self._known_takes: set[str] = set()
        self._origin: Path | None = None
        self._failing = False

    # ------------------------------------------------------------------ what the store calls

    def run(self, work: Callable[[], Any], on_end: OnEnd | None = None) -> None:
        """Run `work` on the writing thread, after all that was asked before."""
        self._thread.submit(_Task(work, on_end))

    def wait(self) -> None:
        """Return when everything asked so far is done."""
        done = threading.Event()
        self.run(lambda: None, lambda _result, _error: done.set())
        done.wait()

    def put(
        self, *, project: Project | None = None, take: Take | None = None, image: tuple[str, bytes] | None = None
    ) -> None:
        """Keep a state, a take or an image."""
        inbox = self._filling
        with inbox.mutex:
            inbox.state = project or inbox.state
            inbox.waiting = True
            # Somebody goes on with it.
            inbox.given_up = False
            if take is not None:
                inbox.takes.append(take)
            if image is not None:
                inbox.images.append(image)
        self.run(self.flush)

    def give_up(self) -> None:
        """Do not offer again what the open project has and its file does not, unless it is changed once more."""
        with self._filling.mutex:
            self._filling.given_up = True

    def begin(
        self, contents: ProjectContents, *, source: Path | None, origin: Path | None, dirty: bool = False
    ) -> None:
        """Start a working copy: a copy of `source` (with all that newer versions keep in it), or of `contents` alone.

        Raises nothing: where none can be made, saving writes the project directly, and the user is told.
        """
        # What is put from now on belongs to this project, whenever the thread gets to it.
        inbox = self._filling = _Inbox(contents.project, contents.takes, contents.images.items())
        self.run(lambda: self._begin(inbox, contents, source=source, origin=origin, dirty=dirty))

    def adopt(self, database: ProjectDatabase, lock: FileLock, contents: ProjectContents, origin: Path | None) -> None:
        """Go on with a working copy that a crash left behind."""
        inbox = self._filling = _Inbox(contents.project, (), ())
        self.run(lambda: self._adopt(inbox, database, lock, origin))

    def close(self) -> None:
        """Finish writing and end the thread. A copy with changes that no file has is kept, to be offered again."""
        self.run(self.end)
        self._thread.finish()

    # ------------------------------------------------------------------ on the writing thread

    def _begin(
        self, inbox: _Inbox, contents: ProjectContents, *, source: Path | None, origin: Path | None, dirty: bool
    ) -> None:
        self.end()
        self._written = inbox
        self._failing = False
        self._saved = None if dirty else contents.project
        self._takes_unsaved = dirty
        self._known_takes = {take.id for take in contents.takes}
        self._origin = origin
        path = working_folder() / f"{uuid.uuid4().hex}{SUFFIX}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(path)
            if source is None:
                self._database = ProjectDatabase.create(path)
            else:
                original = ProjectDatabase.open(source, check=False)
                try:
                    original.copy_to(path)
                finally:
                    original.close()
                self._database = ProjectDatabase.open(path, check=False)
                self._database.read()
            db = self._database.connection
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(_LOCAL_TABLE)
        except Exception as error:  # noqa: BLE001  # the work goes on without a safety net, and the user knows
            database, self._database = self._database, None
            if database is not None:
                with contextlib.suppress(sqlite3.Error):
                    database.close()
                remove_working_copy(path)
            self._fail(error)
        self.flush()

    def _adopt(self, inbox: _Inbox, database: ProjectDatabase, lock: FileLock, origin: Path | None) -> None:
        self.end()
        self._written = inbox
        self._database, self._lock, self._origin = database, lock, origin
        self._saved, self._takes_unsaved, self._failing = None, True, False
        self.flush()

    def flush(self) -> bool:
        """Write what waits; False where that failed, and it waits on."""
        inbox = self._written
        if inbox is None or self._database is None:
            return False
        with inbox.mutex:
            state, takes, images = inbox.state, list(inbox.takes), list(inbox.images)
            waiting, inbox.waiting = inbox.waiting, False
        if not waiting:
            return True
        if any(take.id not in self._known_takes for take in takes):
            self._takes_unsaved = True
        try:
            facts = self._facts(state, dirty=self._is_dirty(state))
            self._database.write(state, takes=takes, images=images, extra=facts)
        except Exception as error:  # noqa: BLE001  # told to the user; tried again at the next change
            with inbox.mutex:
                inbox.waiting = True
            self._fail(error)
            return False
        self._failing = False
        with inbox.mutex:
            del inbox.takes[: len(takes)]
            del inbox.images[: len(images)]
        return True

    def _is_dirty(self, state: Project) -> bool:
        return self._takes_unsaved or state != self._saved

    def save(self, path: Path, contents: ProjectContents) -> list[str]:
        """Save everything as `path`; a line for each recording that could not be put into it.

        Raises:
            sqlite3.Error, OSError: the file is as it was.
        """
        inbox = self._written
        problems: list[str] = []
        try:
            if self.flush() and inbox is not None and self._database is not None and not self._database.newer_major:
                if inbox.state == contents.project:
                    self._database.tidy(contents.project)
                else:
                    # The user went on meanwhile: that is put back below.
                    self._database.write(contents.project)
                problems = self._embed_recordings(self._database, contents)
                self._database.copy_to(path, before_rename="DROP TABLE IF EXISTS working_copy;")
            else:
                # The data folder is full or gone: the project's own folder may be neither.
                write_project(path, contents)
                if contents.project.settings.embed_recordings:
                    names = names_of_recordings(take.recipe for take in contents.takes)
                    problems = [f"{name} is not in the project file: save again" for name in names.values()]
            self._on_saved(path, contents)
        finally:
            if inbox is not None and inbox.state != contents.project:
                with inbox.mutex:
                    inbox.waiting = True
                self.flush()
        return problems

    def _embed_recordings(self, database: ProjectDatabase, contents: ProjectContents) -> list[str]:
        """The recordings of the takes go into the file where the project wants that, else none stays in it."""
        names = names_of_recordings(take.recipe for take in contents.takes)
        if not contents.project.settings.embed_recordings:
            names = {}
        folder = None if self._origin is None else self._origin.parent
        there = embedded_recordings(database.connection)
        if not names and not there:
            return []
        from sounddesk.engine.library.linked_recordings import RecordingFinder

        with RecordingFinder(folder=folder, library_path=default_library_path()) as finder:
            wanted = [
                (sha256, name, None if sha256 in there else finder.find(sha256, name)) for sha256, name in names.items()
            ]
        return embed_recordings(database.connection, wanted)

    def extract_recording(self, sha256: str, target: Path) -> bool:
        """Write a recording that the project holds to `target`; False where it holds none. On the writing thread."""
        return self._database is not None and extract_recording(self._database.connection, sha256, target)

    def _on_saved(self, path: Path, contents: ProjectContents) -> None:
        self._saved, self._takes_unsaved, self._origin = contents.project, False, path
        self._known_takes = {take.id for take in contents.takes}
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.write(contents.project, extra=self._facts(contents.project, dirty=False))

    def end(self) -> None:
        """Close the working copy; it is kept where it has changes that no file has."""
        self.flush()
        database, lock = self._database, self._lock
        written = self._written
        keep = written is not None and not written.given_up and self._is_dirty(written.state)
        self._database = self._lock = self._written = None
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close()
        if lock is not None:
            if not keep:
                remove_working_copy(lock.path)
            lock.release()

    def _facts(self, project: Project, *, dirty: bool) -> str:
        origin = None if self._origin is None else str(self._origin)
        name = self._origin.name if self._origin is not None else (project.image.name if project.image else "untitled")
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        values = ", ".join("NULL" if each is None else _quoted(each) for each in (origin, name, str(int(dirty)), now))
        return f"INSERT OR REPLACE INTO working_copy (one, origin, name, dirty, updated) VALUES (1, {values})"

    def _fail(self, error: Exception) -> None:
        _log.warning("working copy: %s", error)
        if not self._failing:
            self._failing = True
            self._on_problem(
                OutputError(
                    f"The recovery copy cannot be written ({error}).",
                    remedy="Save your project, and free some space on the disk of your user folder.",
                )
            )


def _run(task: _Task, _control: JobControl) -> Any:
    return task.work()


def _tell(event: JobEvent, ticket: Ticket[_Task], value: Any) -> None:
    on_end = ticket.job.on_end
    if on_end is not None and event in ("finished", "failed", "cancelled"):
        on_end(value if event == "finished" else None, value if event == "failed" else None)


def remove_working_copy(path: Path) -> None:
    """Delete a working copy and what SQLite keeps beside it."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with contextlib.suppress(OSError):
            each.unlink()


def _quoted(text: str) -> str:
    return "'" + text.encode("utf-8", "replace").decode().replace("\0", "").replace("'", "''") + "'"
