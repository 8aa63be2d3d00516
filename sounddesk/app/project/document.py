"""The one owner of the open project: state, takes, image and undo stack. Widgets observe it and never each other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal
from PySide6.QtGui import QUndoCommand
from PySide6.QtGui import QUndoStack

from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.take import TakeLibrary
from sounddesk.engine.types import RgbImage

MERGE_WITHIN_S: Final = 1.0


class _StateCommand(QUndoCommand):
    """One step between two states. States share all that did not change, so a step is small."""

    def __init__(self, document: Document, text: str, before: Project, after: Project, merge_key: str | None) -> None:
        super().__init__(text)
        self._document = document
        self._before = before
        self._after = after
        self._merge_key = merge_key
        self._made_s = time.monotonic()

    def redo(self) -> None:
        self._document._show(self._after)

    def undo(self) -> None:
        self._document._show(self._before)

    def id(self) -> int:
        return -1 if self._merge_key is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802  # Qt's name
        if not isinstance(other, _StateCommand) or other._merge_key != self._merge_key:
            return False
        if other._made_s - self._made_s > MERGE_WITHIN_S:
            return False
        self._after = other._after
        self._made_s = other._made_s
        self.setObsolete(self._after == self._before)
        return True


class Document(QObject):
    """The open project.

    The state is one immutable `Project`. A change is a new `Project` handed to `commit` (one undo step), or for a drag
    `begin`, any number of `preview`s and then `end` (one undo step) or `abort` (none). Takes are added beside the
    undo stack, because a take is never lost.

    Signals:
        changed(old, new): the state shown is another one: commit, preview, undo, redo.
        committed(project): a state was reached that shall survive a crash.
        take_added(take): the library has one more take.
        image_added(sha256): image bytes were added.
        replacing(): another project is about to be shown; what refers to parts of this one lets go of them now, while
            they are still there.
        replaced(): another project was opened; `changed` is not sent for it.
        dirty_changed(dirty): whether there is something that the file does not have.
    """

    changed = Signal(object, object)
    committed = Signal(object)
    take_added = Signal(object)
    image_added = Signal(str)
    replacing = Signal()
    replaced = Signal()
    dirty_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = Project()
        self._takes = TakeLibrary()
        self._image_files: dict[str, bytes] = {}
        self._pixels: dict[str, RgbImage] = {}
        self._gesture: tuple[str, Project] | None = None
        self._after_gesture: list[Callable[[], object]] = []
        self._unsaved_takes = False
        self.undo_stack = QUndoStack(self)
        self.undo_stack.cleanChanged.connect(self._on_clean_changed)

    # ------------------------------------------------------------------ reading

    @property
    def project(self) -> Project:
        return self._project

    @property
    def takes(self) -> TakeLibrary:
        return self._takes

    @property
    def image(self) -> RgbImage | None:
        """Pixels of the project's image, sRGB uint8[H, W, 3], read-only; None without one."""
        info = self._project.image
        return None if info is None else self._pixels.get(info.sha256)

    @property
    def image_files(self) -> dict[str, bytes]:
        """Bytes of every image file that a state of the project refers to, by SHA-256."""
        return dict(self._image_files)

    @property
    def in_gesture(self) -> bool:
        return self._gesture is not None

    @property
    def is_dirty(self) -> bool:
        return self._unsaved_takes or not self.undo_stack.isClean()

    # ------------------------------------------------------------------ changing

    def commit(self, text: str, project: Project, *, merge_key: str | None = None) -> None:
        """Make `project` the state, as one undo step named `text`; nothing happens where it equals the present one.

        Steps of one `merge_key` less than a second apart become one, e.g. a fader moved by the mouse wheel.
        """
        self.abort()
        if project != self._project:
            self.undo_stack.push(_StateCommand(self, text, self._project, project, merge_key))

    def begin(self, text: str) -> None:
        """Start a gesture. One that is still open is ended first."""
        self.end()
        self._gesture = (text, self._project)

    def preview(self, project: Project) -> None:
        """Show a state of the gesture, without an undo step. Raises: RuntimeError outside a gesture."""
        if self._gesture is None:
            raise RuntimeError("preview outside a gesture: call begin first")
        old, self._project = self._project, project
        if old != project:
            self.changed.emit(old, project)

    def end(self) -> None:
        """Finish the gesture: what it shows now becomes one undo step."""
        if self._gesture is None:
            return
        (text, before), self._gesture = self._gesture, None
        if self._project != before:
            self.undo_stack.push(_StateCommand(self, text, before, self._project, None))
        self._run_postponed()

    def abort(self) -> None:
        """Leave the gesture, back to the state at its beginning."""
        if self._gesture is None:
            return
        (_, before), self._gesture = self._gesture, None
        old, self._project = self._project, before
        if old != before:
            self.changed.emit(old, before)
        self._run_postponed()

    def when_free(self, work: Callable[[], object]) -> None:
        """Call `work` now, or once the gesture in hand has ended: results of long work must not break off a drag."""
        if self._gesture is None:
            work()
        else:
            self._after_gesture.append(work)

    def _run_postponed(self) -> None:
        postponed, self._after_gesture = self._after_gesture, []
        for work in postponed:
            work()

    def undo(self) -> None:
        self.abort()
        self.undo_stack.undo()

    def redo(self) -> None:
        self.abort()
        self.undo_stack.redo()

    def add_take(self, take: Take) -> None:
        """Keep a take for good. Raises: ValueError, when its id exists."""
        self._takes.add(take)
        self._unsaved_takes = True
        self.take_added.emit(take)
        self.dirty_changed.emit(self.is_dirty)

    def add_image(self, file: bytes, pixels: RgbImage, *, name: str) -> ImageInfo:
        """Keep an image file and its pixels (upright sRGB uint8[H, W, 3]); put the result into a `Project`."""
        sha256 = hashlib.sha256(file).hexdigest()
        kept = pixels.copy() if pixels.flags.writeable else pixels
        kept.setflags(write=False)
        new = sha256 not in self._image_files
        self._image_files[sha256] = file
        self._pixels[sha256] = kept
        if new:
            self.image_added.emit(sha256)
        return ImageInfo(sha256=sha256, name=name, width=pixels.shape[1], height=pixels.shape[0])

    def replace(
        self, project: Project, *, takes: Iterable[Take], images: Iterable[tuple[bytes, RgbImage]], dirty: bool = False
    ) -> None:
        """Show another project; the undo stack starts empty.

        Args:
            dirty: the project has changes that its file does not have, as after a recovery.
        """
        self._gesture = None
        self._after_gesture = []
        self.replacing.emit()
        self._takes = TakeLibrary(takes)
        self._image_files, self._pixels = {}, {}
        for file, pixels in images:
            kept = pixels.copy()
            kept.setflags(write=False)
            sha256 = hashlib.sha256(file).hexdigest()
            self._image_files[sha256], self._pixels[sha256] = file, kept
        self._project = project
        self.undo_stack.clear()
        self._unsaved_takes = dirty
        self.replaced.emit()
        self.dirty_changed.emit(self.is_dirty)

    def mark_saved(self) -> None:
        """The file now has everything; undo keeps working across it."""
        self._unsaved_takes = False
        self.undo_stack.setClean()
        self.dirty_changed.emit(self.is_dirty)

    def _on_clean_changed(self, _clean: bool) -> None:
        self.dirty_changed.emit(self.is_dirty)

    def _show(self, project: Project) -> None:
        old, self._project = self._project, project
        if old != project:
            self.changed.emit(old, project)
        self.committed.emit(project)
