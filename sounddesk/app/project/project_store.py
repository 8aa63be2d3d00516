"""Between the document and its file: new, open, save, collect, recover. Nothing that was committed is ever lost."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEventLoop
from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.file_lock import FileInUseError
from sounddesk.app.project.file_lock import FileLock
from sounddesk.app.project.recovery import Recoverable
from sounddesk.app.project.recovery import discard_recoverable
from sounddesk.app.project.recovery import find_recoverable
from sounddesk.app.project.working_copy import WorkingCopy
from sounddesk.app.settings import Settings
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import OutputError
from sounddesk.engine.types import RgbImage
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.project_file import ProjectContents
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_file import ProjectFileError

_log = logging.getLogger(__name__)
T = TypeVar("T")
_REFUSALS = (
    ProjectFileError,
    FileInUseError,
    OutputError,
    EngineError,
    sqlite3.Error,
    OSError,
    ValueError,
    MemoryError,
)


class ProjectStore(QObject):
    """The project file of one window. Every commit, take and image goes into a working copy at once.

    `open`, `save` and their kin work on another thread and return when it is done; the window stays painted meanwhile
    but takes no input. They answer False after a refusal, and `problem` has said why; the project is as it was.

    Signals:
        path_changed(path): `Path` or None: another file, or read-only or not.
        saved(path): everything is in the file.
        busy(text): what is being waited for; empty when it is over.
    """

    path_changed = Signal(object)
    saved = Signal(object)
    busy = Signal(str)
    _finished = Signal()
    _copy_failed = Signal(str)

    def __init__(self, document: Document, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._settings = settings
        self._path: Path | None = None
        self._read_only = ""
        self._lock: FileLock | None = None
        self._stamp: tuple[int, int] | None = None
        self._closed = False
        self._replacing = False
        self._waiting = False
        self._copy_failed.connect(notifier.error)
        self._copy = WorkingCopy(self._copy_failed.emit)
        document.committed.connect(lambda project: self._copy.put(project=project))
        document.take_added.connect(lambda take: self._copy.put(take=take))
        document.image_added.connect(lambda key: self._copy.put(image=(key, document.image_files[key])))
        document.replaced.connect(self._on_replaced)
        self._autosave = QTimer(self)
        self._autosave.timeout.connect(self._save_quietly)
        settings.changed.connect(lambda name: self._start_autosave() if name == "autosave_minutes" else None)
        self._start_autosave()
        contents = self._contents()
        self._copy.begin(contents, source=None, origin=None)

    # ------------------------------------------------------------------ reading

    @property
    def path(self) -> Path | None:
        """The project's file; None while it was never saved."""
        return self._path

    @property
    def is_read_only(self) -> bool:
        """Saving needs another name: the file cannot be written, or a newer sounddesk made it."""
        return bool(self._read_only)

    # ------------------------------------------------------------------ opening

    def new(self, contents: ProjectContents | None = None) -> bool:
        """Show an empty project, or one from `contents` that has no file yet."""
        made = contents or ProjectContents()
        pixels = self._attempt(self.tr("Opening…"), lambda: _decode_images(made))
        if pixels is None:
            return False
        self._show(made, pixels, path=None, lock=None, read_only="")
        self._copy.begin(made, source=None, origin=None)
        return True

    def open(self, path: Path) -> bool:
        """Open a project file."""
        path = path.absolute()
        if self._path is not None and path.exists() and self._path.exists() and path.samefile(self._path):
            notifier.error(self.tr("{name} is open already.").format(name=path.name))
            return False
        target = path.resolve()
        read = self._attempt(self.tr("Opening {name}…").format(name=path.name), lambda: _read(target))
        if read is None:
            return False
        contents, pixels, lock, read_only = read
        self._show(contents, pixels, path=path, lock=lock, read_only=read_only)
        source = None if contents.newer_major else target
        self._copy.begin(contents, source=source, origin=path)
        self._settings.add_recent_file(path)
        if read_only:
            notifier.error(read_only)
        return True

    # ------------------------------------------------------------------ saving

    def save(self) -> bool:
        """Save into the project's file. True where everything is in it."""
        if self._path is None:
            notifier.error(self.tr("This project has no file yet: choose 'Save as'."))
            return False
        if self._read_only:
            notifier.error(self._read_only)
            return False
        if self._stamp is not None and self._path.exists() and _stamp(self._path) != self._stamp:
            notifier.error(
                self.tr("{name} was changed by another program since it was opened: choose 'Save as'.").format(
                    name=self._path.name
                )
            )
            return False
        return self._save(self._path, lock=None)

    def save_as(self, path: Path) -> bool:
        """Save under another name, and go on with that file."""
        path = path.absolute()
        same = self._path is not None and path.exists() and self._path.exists() and path.samefile(self._path)
        if same:
            return self.save() if not self._read_only else self._refuse_read_only()
        try:
            lock = FileLock(path.resolve())
        except FileInUseError as error:
            notifier.failed(error)
            return False
        return self._save(path, lock=lock)

    def collect(self, folder: Path) -> bool:
        """Write a copy of the project, its image, masks and takes into a new folder inside `folder`."""
        from sounddesk.app.project.collecting import collect_project

        contents = self._contents()
        name = self._path.stem if self._path is not None else "project"
        made = self._attempt(self.tr("Collecting…"), lambda: collect_project(contents, folder, name=name))
        return made is not None

    # ------------------------------------------------------------------ recovery

    def recoverable(self) -> list[Recoverable]:
        """What a crash left behind, newest first."""
        try:
            return find_recoverable()
        except OSError as error:
            _log.warning("recovery copies cannot be listed: %s", error)
            return []

    def recover(self, item: Recoverable) -> bool:
        """Show a recovered project, under its old path, with everything in it still to be saved."""
        read = self._attempt(self.tr("Recovering {name}…").format(name=item.name), lambda: _read_working(item))
        if read is None:
            return False
        contents, pixels, database, lock = read
        path, file_lock, read_only = item.origin, None, ""
        if path is not None:
            try:
                file_lock = FileLock(path.resolve())
                read_only = _why_read_only(path, newer_major=contents.newer_major)
            except FileInUseError:
                # Its file is open elsewhere: what was recovered becomes a project of its own.
                path = None
        self._show(contents, pixels, path=path, lock=file_lock, read_only=read_only, dirty=True)
        self._copy.adopt(database, lock, contents, path)
        return True

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
        self._copy.run(lambda: None).result()

    # ------------------------------------------------------------------ parts

    def _contents(self) -> ProjectContents:
        document = self._document
        return ProjectContents(project=document.project, takes=tuple(document.takes), images=document.image_files)

    def _save(self, path: Path, *, lock: FileLock | None) -> bool:
        self._document.end()
        contents = self._contents()
        target = path.resolve()

        def work() -> bool:
            with translate_os_errors(path, what="cannot save"):
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                try:
                    self._copy.save(target, contents)
                except sqlite3.OperationalError as error:
                    full = "full" in str(error)
                    raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error
            return True

        if not self._attempt(self.tr("Saving {name}…").format(name=path.name), work):
            if lock is not None:
                lock.release()
            return False
        if lock is not None or path != self._path:
            self._release_lock()
            self._lock, self._path, self._read_only = lock, path, ""
        self._stamp = _stamp(path)
        # A take that arrived meanwhile is not in the file.
        if self._document.project is contents.project and len(self._document.takes) == len(contents.takes):
            self._document.mark_saved()
        self._settings.add_recent_file(path)
        self.path_changed.emit(path)
        self.saved.emit(path)
        return True

    def _refuse_read_only(self) -> bool:
        notifier.error(self._read_only)
        return False

    def _save_quietly(self) -> None:
        if self._document.is_dirty and not self._document.in_gesture and self._path and not self._read_only:
            self.save()

    def _start_autosave(self) -> None:
        minutes = self._settings.autosave_minutes
        self._autosave.stop()
        if minutes and not self._closed:
            self._autosave.start(minutes * 60_000)

    def _show(
        self,
        contents: ProjectContents,
        pixels: list[tuple[bytes, RgbImage]],
        *,
        path: Path | None,
        lock: FileLock | None,
        read_only: str,
        dirty: bool = False,
    ) -> None:
        self._release_lock()
        self._path, self._lock, self._read_only = path, lock, read_only
        self._stamp = _stamp(path) if path is not None else None
        self._replacing = True
        try:
            self._document.replace(contents.project, takes=contents.takes, images=pixels, dirty=dirty)
        finally:
            self._replacing = False
        self.path_changed.emit(path)

    def _on_replaced(self) -> None:
        """Somebody showed another project without a file."""
        if self._replacing:
            return
        self._release_lock()
        self._path, self._read_only, self._stamp = None, "", None
        contents, dirty = self._contents(), self._document.is_dirty
        self._copy.begin(contents, source=None, origin=None, dirty=dirty)
        self.path_changed.emit(None)

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _attempt(self, text: str, work: Callable[[], T]) -> T | None:
        """The result of `work` on the writing thread, waited for; None after a refusal, which was told."""
        if self._waiting or self._closed:
            return None
        self._waiting = True
        self.busy.emit(text)
        loop = QEventLoop()
        self._finished.connect(loop.quit)
        try:
            future: Future[T] = self._copy.run(work)
            future.add_done_callback(lambda _done: self._finished.emit())
            if not future.done():
                # Painting goes on; clicks and keys wait until the project is what the window shows.
                loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            return future.result()
        except _REFUSALS as error:
            _log.info("refused: %s", error)
            notifier.error(str(error) or self.tr("There is not enough memory: close other programs."))
            return None
        finally:
            self._finished.disconnect(loop.quit)
            self._waiting = False
            self.busy.emit("")


def _read(path: Path) -> tuple[ProjectContents, list[tuple[bytes, RgbImage]], FileLock, str]:
    lock = FileLock(path) if path.exists() else None
    try:
        database = ProjectDatabase.open(path)
        try:
            contents = database.read()
        finally:
            database.close()
        assert lock is not None
        return contents, _decode_images(contents), lock, _why_read_only(path, newer_major=contents.newer_major)
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _read_working(item: Recoverable) -> tuple[ProjectContents, list[tuple[bytes, RgbImage]], ProjectDatabase, FileLock]:
    lock = FileLock(item.working_path)
    try:
        database = ProjectDatabase.open(item.working_path, name=item.name)
        try:
            contents = database.read()
            return contents, _decode_images(contents), database, lock
        except BaseException:
            database.close()
            raise
    except BaseException:
        lock.release()
        raise


def _decode_images(contents: ProjectContents) -> list[tuple[bytes, RgbImage]]:
    from sounddesk.app.project.image_opening import decode_image

    info = contents.project.image
    name = info.name if info is not None else "image"
    return [(file, decode_image(file, name=name).pixels) for file in contents.images.values()]


def _why_read_only(path: Path, *, newer_major: bool) -> str:
    if newer_major:
        return (
            f"{path.name} was made by a newer sounddesk. It can be looked at; what this version does not know is not "
            "shown. To change it install the newest version, or use 'Save as' to keep what you see."
        )
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return f"{path.name} is read-only: use 'Save as' to keep changes under another name."
    return ""


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
