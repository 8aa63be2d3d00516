"""Between the document and its file: new, open, save, collect, recover. Nothing that was committed is ever lost."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from sounddesk.app.notifications import NoticeButton
from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.file_lock import FileInUseError
from sounddesk.app.project.file_lock import FileLock
from sounddesk.app.project.file_lock import ForeignLockError
from sounddesk.app.project.file_lock import break_lock
from sounddesk.app.project.project_reading import Images
from sounddesk.app.project.project_reading import ReadProject
from sounddesk.app.project.project_reading import decode_images
from sounddesk.app.project.project_reading import file_stamp
from sounddesk.app.project.project_reading import read_project_file
from sounddesk.app.project.project_reading import read_working_copy
from sounddesk.app.project.project_reading import why_read_only
from sounddesk.app.project.recovery import Recoverable
from sounddesk.app.project.recovery import discard_recoverable
from sounddesk.app.project.recovery import find_recoverable
from sounddesk.app.project.working_copy import WorkingCopy
from sounddesk.app.settings import Settings
from sounddesk.domain.errors import OutputError
from sounddesk.domain.errors import SounddeskError
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.project_reader import ProjectContents

_log = logging.getLogger(__name__)

# Called with True where an operation succeeded, with False after a refusal.
Then = Callable[[bool], object]
# Yields work for the writing thread, is sent its result (None after a refusal, which was told), and returns whether it
# succeeded. All else of it runs on the UI thread.
_Operation = Generator[Callable[[], Any], Any, bool]


def _nothing(_ok: bool) -> None:
    pass


class ProjectStore(QObject):
    """The project file of one window. Every commit, take and image goes into a working copy at once.

    `open`, `save` and their kin return at once and work on another thread, one after the other. `then` is called with
    True when it is done; with False after a refusal, when the user was told why and the project is as it was.

    Signals:
        path_changed(path): `Path` or None: another file, or read-only or not.
        saved(path): everything is in the file.
        opening(begins): True while another project is being read: what is changed in this one would not be in it.
    """

    path_changed = Signal(object)
    saved = Signal(object)
    opening = Signal(bool)
    _worked = Signal(object, object)
    _copy_failed = Signal(object)

    def __init__(self, document: Document, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._settings = settings
        self.embedded: frozenset[str] = frozenset()  # recordings in the file when it was opened, by hash
        self._told: set[str] = set()
        self._path: Path | None = None
        self._read_only: OutputError | None = None
        self._lock: FileLock | None = None
        self._stamp: tuple[int, int] | None = None
        self._closed = False
        self._replacing = False
        self._operations: deque[tuple[_Operation, Then]] = deque()
        self._current: tuple[_Operation, Then] | None = None
        self._worked.connect(self._go_on, Qt.ConnectionType.QueuedConnection)
        self._copy_failed.connect(notifier.failed)
        self._copy = WorkingCopy(self._copy_failed.emit)
        document.committed.connect(lambda project: self._copy.put(project=project))
        document.take_added.connect(lambda take: self._copy.put(take=take))
        document.image_added.connect(lambda key: self._copy.put(image=(key, document.image_files[key])))
        document.replaced.connect(self._on_replaced)
        self._autosave = QTimer(self)
        self._autosave.timeout.connect(self._save_quietly)
        settings.changed.connect(lambda name: self._start_autosave() if name == "autosave_minutes" else None)
        self._start_autosave()
        self._copy.begin(self._contents(), source=None, origin=None)

    # ------------------------------------------------------------------ reading

    @property
    def path(self) -> Path | None:
        """The project's file; None while it was never saved."""
        return self._path

    @property
    def is_read_only(self) -> bool:
        """Saving needs another name: the file cannot be written, or a newer sounddesk made it."""
        return self._read_only is not None

    # ------------------------------------------------------------------ opening

    def new(
        self, contents: ProjectContents | None = None, *, images: Images | None = None, then: Then = _nothing
    ) -> None:
        """Show an empty project, or one from `contents` that has no file yet.

        `images`: the contents' images, where they were decoded already.
        """
        self._start(self._new(contents or ProjectContents(), images), then)

    def open(self, path: Path, *, then: Then = _nothing) -> None:
        """Open a project file."""
        self._start(self._open(path.absolute()), then)

    def _new(self, contents: ProjectContents, images: Images | None) -> _Operation:
        if images is None:
            images = (yield from self._reading(lambda: decode_images(contents))) if contents.images else []
        if images is None:
            return False
        self._show(contents, images, path=None, lock=None, read_only=None)
        self._copy.begin(contents, source=None, origin=None)
        return True

    def _open(self, path: Path) -> _Operation:
        if self._path is not None and path.exists() and self._path.exists() and path.samefile(self._path):
            notifier.error(self.tr("{name} is open already.").format(name=path.name))
            return False
        target = path.resolve()
        read: ReadProject | None = yield from self._reading(lambda: read_project_file(target))
        if read is None:
            return False
        self._show(read.contents, read.images, path=path, lock=read.lock, read_only=read.read_only)
        source = None if read.contents.newer_major else target
        self._copy.begin(read.contents, source=source, origin=path)
        self._settings.add_recent_file(path)
        if read.read_only is not None:
            notifier.failed(read.read_only)
        return True

    # ------------------------------------------------------------------ saving

    def save(self, *, then: Then = _nothing) -> None:
        """Save into the project's file."""
        self._start(self._save(), then)

    def save_as(self, path: Path, *, then: Then = _nothing) -> None:
        """Save under another name, and go on with that file."""
        self._start(self._save_as(path.absolute()), then)

    def collect(self, folder: Path, *, then: Then = _nothing) -> None:
        """Write a copy of the project, its image, masks and takes into a new folder inside `folder`."""
        self._start(self._collect(folder), then)

    def _save(self) -> _Operation:
        if self._path is None:
            notifier.error(self.tr("This project has no file yet: choose 'Save as'."))
            return False
        if self._read_only is not None:
            notifier.failed(self._read_only)
            return False
        if self._stamp is not None and self._path.exists() and file_stamp(self._path) != self._stamp:
            notifier.error(
                self.tr("{name} was changed by another program since it was opened: choose 'Save as'.").format(
                    name=self._path.name
                )
            )
            return False
        return (yield from self._write(self._path, lock=None))

    def _save_as(self, path: Path) -> _Operation:
        with translate_os_errors(path, what="cannot save"):
            same = self._path is not None and path.exists() and self._path.exists() and path.samefile(self._path)
        if same:
            return (yield from self._save())
        with translate_os_errors(path, what="cannot save"):
            lock = FileLock(path.resolve())
        return (yield from self._write(path, lock=lock))

    def _collect(self, folder: Path) -> _Operation:
        from sounddesk.app.project.collecting import collect_project

        contents, path = self._contents(), self._path
        made = yield lambda: collect_project(contents, folder, path=path, extract=self._copy.extract_recording)
        for each in made.problems if made is not None else ():
            notifier.warning(each)
        return made is not None

    # ------------------------------------------------------------------ recovery

    def recoverable(self) -> list[Recoverable]:
        """What a crash left behind, newest first."""
        try:
            return find_recoverable()
        except OSError as error:
            _log.warning("recovery copies cannot be listed: %s", error)
            return []

    def recover(self, item: Recoverable, *, then: Then = _nothing) -> None:
        """Show a recovered project, under its old path, with everything in it still to be saved."""
        self._start(self._recover(item), then)

    def _recover(self, item: Recoverable) -> _Operation:
        read: ReadProject | None = yield from self._reading(lambda: read_working_copy(item))
        if read is None:
            return False
        contents = read.contents
        assert read.database is not None
        path, file_lock, read_only = item.origin, None, None
        if path is not None:
            try:
                file_lock = FileLock(path.resolve())
                read_only = why_read_only(path, newer_major=contents.newer_major)
            except FileInUseError:
                # Its file is open elsewhere: what was recovered becomes a project of its own.
                path = None
        self._show(contents, read.images, path=path, lock=file_lock, read_only=read_only, dirty=True)
        self._copy.adopt(read.database, read.lock, contents, path)
        return True

    def give_up_changes(self) -> None:
        """The user discards what is not saved: once the project is left, it is not offered again."""
        self._copy.give_up()

    def discard(self, item: Recoverable) -> None:
        """Delete what a crash left behind."""
        discard_recoverable(item)

    # ------------------------------------------------------------------ ending

    def close(self) -> None:
        """Write what waits and stop. A project with unsaved changes is offered again at the next start."""
        if self._closed:
            return
        self._closed = True
        self._autosave.stop()
        self._copy.close()
        self._release_lock()

    def wait(self) -> None:
        """Return when everything committed so far is on the disk."""
        self._copy.wait()

    # ------------------------------------------------------------------ parts

    def _contents(self) -> ProjectContents:
        document = self._document
        return ProjectContents(project=document.project, takes=tuple(document.takes), images=document.image_files)

    def _write(self, path: Path, *, lock: FileLock | None) -> _Operation:
        self._document.end()
        contents = self._contents()
        target = path.resolve()

        def work() -> list[str]:
            with translate_os_errors(path, what="cannot save"):
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                try:
                    return self._copy.save(target, contents)
                except sqlite3.OperationalError as error:
                    full = "full" in str(error)
                    raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error

        problems = yield work
        if problems is None:
            if lock is not None:
                lock.release()
            return False
        if lock is not None or path != self._path:
            self._release_lock()
            self._lock, self._path, self._read_only = lock, path, None
        self._stamp = file_stamp(path)
        # A take that arrived meanwhile is not in the file.
        if self._document.project is contents.project and len(self._document.takes) == len(contents.takes):
            self._document.mark_saved()
        self._settings.add_recent_file(path)
        self.path_changed.emit(path)
        self.saved.emit(path)
        # Not again with every autosave.
        for each in [each for each in problems if each not in self._told]:
            notifier.warning(each)
        self._told = set(problems)
        return True

    def _save_quietly(self) -> None:
        is_idle = self._current is None and not self._document.in_gesture
        if self._document.is_dirty and is_idle and self._path and self._read_only is None:
            self.save()

    def _start_autosave(self) -> None:
        minutes = self._settings.autosave_minutes
        self._autosave.stop()
        if minutes and not self._closed:
            self._autosave.start(minutes * 60_000)

    def _show(
        self,
        contents: ProjectContents,
        images: Images,
        *,
        path: Path | None,
        lock: FileLock | None,
        read_only: OutputError | None,
        dirty: bool = False,
    ) -> None:
        self._release_lock()
        self._path, self._lock, self._read_only = path, lock, read_only
        self.embedded = contents.embedded
        self._stamp = file_stamp(path) if path is not None else None
        self._replacing = True
        try:
            self._document.replace(contents.project, takes=contents.takes, images=images, dirty=dirty)
        finally:
            self._replacing = False
        self.path_changed.emit(path)

    def _on_replaced(self) -> None:
        """Somebody showed another project without a file."""
        self._told.clear()
        if self._replacing:
            return
        self._release_lock()
        self._path, self._read_only, self._stamp = None, None, None
        contents, dirty = self._contents(), self._document.is_dirty
        self._copy.begin(contents, source=None, origin=None, dirty=dirty)
        self.path_changed.emit(None)

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # ------------------------------------------------------------------ one operation after the other

    def _start(self, operation: _Operation, then: Then) -> None:
        """Begin an operation now, or after those in hand; it sees the state that they leave."""
        self._operations.append((operation, then))
        if self._current is None:
            self._next()

    def _next(self) -> None:
        if self._operations and not self._closed:
            self._current = self._operations.popleft()
            self._go_on(None, None)

    def _go_on(self, result: object, error: Exception | None) -> None:
        """Carry the operation in hand on to its next work for the writing thread, or to its end."""
        if self._current is None or self._closed:
            return
        operation, then = self._current
        if error is not None:
            self._refuse(error)
        try:
            work = operation.send(result)
        except StopIteration as end:
            self._current = None
            then(bool(end.value))
            if self._current is None:
                self._next()
        except SounddeskError as refusal:
            self._current = None
            self._refuse(refusal)
            then(False)
            if self._current is None:
                self._next()
        except BaseException:
            self._current = None
            raise
        else:
            self._copy.run(work, self._worked.emit)

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, ForeignLockError):
            button = NoticeButton(text=self.tr("Break lock"), press=partial(break_lock, error.path))
            notifier.error(error.message, remedy=error.remedy, button=button)
        else:
            notifier.failed(error)

    def _reading(self, work: Callable[[], Any]) -> Generator[Callable[[], Any], Any, Any]:
        """Work after which another project will be shown."""
        self.opening.emit(True)
        try:
            return (yield work)
        finally:
            self.opening.emit(False)
