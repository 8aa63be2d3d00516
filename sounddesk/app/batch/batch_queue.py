"""Batches one after another: started, paused, resumed, put in order, and remembered."""

from __future__ import annotations

import dataclasses
import logging
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from sounddesk.app.batch.batch_process import CANCELLED
from sounddesk.app.batch.batch_process import CRASHED
from sounddesk.app.batch.batch_process import DONE
from sounddesk.app.batch.batch_process import SOME_FAILED
from sounddesk.app.batch.batch_process import BatchEnding
from sounddesk.app.batch.batch_process import BatchProcess
from sounddesk.app.batch.batch_request import BatchRequest
from sounddesk.app.batch.queue_file import BatchEntry
from sounddesk.app.batch.queue_file import QueueFile
from sounddesk.app.notifications import notifier
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import OutputError
from sounddesk.storage.project_reader import ProjectContents

_log = logging.getLogger(__name__)

# Frames may be quick; the file tells how far a batch is after a crash, which need not be exact.
_SAVE_AFTER_MS: Final = 2000
_REMOVED: Final = "removed"


@dataclass(kw_only=True, eq=False)
class _Run:
    """The batch that runs: its process, and what the time left is reckoned from."""

    entry_id: str
    process: BatchProcess
    started_s: float
    made: int = 0
    then: str = ""


class BatchQueue(QObject):
    """The queue of this window. One batch runs at a time; the first one that waits is next.

    Signals:
        changed(): there are other batches, or another order.
        entry_changed(id): state or progress of one.
        row_written(id, Row): something of it was rendered, or failed.
        ended(id): it is done or has failed.
    """

    changed = Signal()
    entry_changed = Signal(str)
    row_written = Signal(str, object)
    ended = Signal(str)

    def __init__(self, file: QueueFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._entries, self.notice = file.read()
        self._run: _Run | None = None
        self._closed = False
        self._save_later = QTimer(self)
        self._save_later.setSingleShot(True)
        self._save_later.timeout.connect(self._save)

    # ------------------------------------------------------------------ reading

    @property
    def entries(self) -> tuple[BatchEntry, ...]:
        return tuple(self._entries)

    @property
    def running(self) -> BatchEntry | None:
        return None if self._run is None else self.entry(self._run.entry_id)

    def entry(self, entry_id: str) -> BatchEntry | None:
        return next((each for each in self._entries if each.id == entry_id), None)

    def remaining_s(self, entry_id: str) -> float | None:
        """Time left of the batch that runs; None before something was rendered in this run."""
        run, entry = self._run, self.entry(entry_id)
        if run is None or entry is None or run.entry_id != entry_id or not run.made or entry.stopping:
            return None
        # What was there already comes in no time and says nothing of the rest.
        return (time.monotonic() - run.started_s) / run.made * (entry.total - entry.done)

    @property
    def process_id(self) -> int | None:
        """Of the batch that runs."""
        return None if self._run is None else self._run.process.process_id

    # ------------------------------------------------------------------ changing

    def add(self, request: BatchRequest, project: ProjectContents | None = None) -> str:
        """Put a batch last and start it when its turn comes; its id.

        Args:
            project: whose objects sound. A copy is kept, so that later edits do not change a batch half-way.

        Raises:
            OutputError, sqlite3.Error: the copy cannot be written.
        """
        entry_id = uuid.uuid4().hex
        if project is not None:
            path = self._file.keep_project(entry_id, project, name=request.name)
            request = dataclasses.replace(request, project=path)
        self._entries.append(BatchEntry(id=entry_id, request=request))
        self._after_change()
        return entry_id

    def pause(self, ids: Iterable[str]) -> None:
        """Stop these after the step in hand; what was rendered stays. The next that waits begins."""
        self._stop(ids, then="paused")

    def cancel(self, ids: Iterable[str]) -> None:
        """Stop these for good; what was rendered stays, and `resume` still goes on with it."""
        self._stop(ids, then="cancelled")

    def resume(self, ids: Iterable[str]) -> None:
        """Let these wait for their turn again; only what is missing of them will be rendered."""
        for entry_id in ids:
            entry = self.entry(entry_id)
            if entry is not None and not entry.is_active:
                self._change(entry_id, state="waiting", message="")
        self._after_change()

    def remove(self, ids: Iterable[str]) -> None:
        """Take these out of the queue, stopping them first; what was rendered stays."""
        for entry_id in tuple(ids):
            if self._run is not None and self._run.entry_id == entry_id:
                self._stop([entry_id], then=_REMOVED)
            else:
                self._drop(entry_id)
        self._after_change()

    def move(self, ids: Iterable[str], by: int) -> None:
        """Move these up (-1) or down (1) by one place."""
        moving = set(ids)
        order = list(self._entries)
        places = range(len(order)) if by < 0 else range(len(order) - 1, -1, -1)
        for place in places:
            other = place + by
            if order[place].id in moving and 0 <= other < len(order) and order[other].id not in moving:
                order[place], order[other] = order[other], order[place]
        if order != self._entries:
            self._entries = order
            self._after_change()

    def close(self) -> None:
        """Stop what runs and write everything down; a batch that ran is paused."""
        if self._closed:
            return
        self._closed = True
        if self._run is not None:
            self._run.process.close()
            self._run = None
        self._save_later.stop()
        # What was active is read back as paused.
        self._save()
        self._file.close()

    # ------------------------------------------------------------------ parts

    def _stop(self, ids: Iterable[str], *, then: str) -> None:
        for entry_id in tuple(ids):
            entry = self.entry(entry_id)
            if entry is None or (not entry.is_active and then == "paused"):
                continue
            if self._run is not None and self._run.entry_id == entry_id:
                self._run.then = then
                if not entry.stopping:
                    self._run.process.stop()
                self._change(entry_id, stopping=True)
            elif entry.state != "done":
                self._change(entry_id, state=then)
        self._save()

    def _start_next(self) -> None:
        if self._run is not None or self._closed:
            return
        entry = next((each for each in self._entries if each.state == "waiting"), None)
        if entry is None:
            return
        process = BatchProcess(entry.request.arguments(), self)
        run = _Run(entry_id=entry.id, process=process, started_s=time.monotonic())
        self._run = run
        process.progressed.connect(lambda done, total: self._on_progress(run, done, total))
        process.row_written.connect(lambda row: self._on_row(run, row))
        process.ended.connect(lambda ending: self._on_ended(run, ending))
        self._change(entry.id, state="running", done=0, message="")
        process.start()

    def _on_progress(self, run: _Run, done: int, total: int) -> None:
        if not run.made and done == 0:
            run.started_s = time.monotonic()
        self._change(run.entry_id, done=done, total=total)
        if not self._save_later.isActive():
            self._save_later.start(_SAVE_AFTER_MS)

    def _on_row(self, run: _Run, row: Row) -> None:
        # A frame as a whole, or a bed.
        run.made += not row.object or not row.frame
        self.row_written.emit(run.entry_id, row)

    def _on_ended(self, run: _Run, ending: BatchEnding) -> None:
        self._run = None
        run.process.deleteLater()
        _log.info("batch %s ended with %s: %s", run.entry_id, ending.code, ending.message)
        if run.then == _REMOVED:
            self._drop(run.entry_id)
        else:
            self._change(run.entry_id, stopping=False, **self._outcome(run, ending))
        self._after_change()
        entry = self.entry(run.entry_id)
        if entry is not None and entry.state in ("done", "failed"):
            self.ended.emit(entry.id)

    def _outcome(self, run: _Run, ending: BatchEnding) -> dict[str, Any]:
        if ending.code == DONE:
            return {"state": "done", "message": ""}
        if ending.code == SOME_FAILED:
            text = (
                self.tr("1 frame could not be rendered; the list below says why. Resume tries it again.")
                if ending.failures == 1
                else self.tr("{n} frames could not be rendered; the list below says why. Resume tries them again.")
            )
            return {"state": "done", "message": text.format(n=ending.failures)}
        if run.then:
            return {"state": run.then, "message": ""}
        if ending.code == CANCELLED:
            return {"state": "paused", "message": self.tr("It was stopped from outside.")}
        if ending.code == CRASHED:
            text = self.tr("It ended unexpectedly. Resume goes on where it stopped. {why}")
            return {"state": "failed", "message": text.format(why=ending.message).strip()}
        return {"state": "failed", "message": ending.message or self.tr("It failed; the log has no reason.")}

    def _change(self, entry_id: str, **changes: Any) -> None:
        for place, entry in enumerate(self._entries):
            if entry.id == entry_id:
                self._entries[place] = dataclasses.replace(entry, **changes)
                self.entry_changed.emit(entry_id)

    def _drop(self, entry_id: str) -> None:
        self._entries = [each for each in self._entries if each.id != entry_id]
        self._file.forget(entry_id)

    def _after_change(self) -> None:
        self._start_next()
        self._save()
        self.changed.emit()

    def _save(self) -> None:
        try:
            self._file.write(self._entries)
        except OutputError as error:
            _log.warning("the queue of batches cannot be kept: %s", error)
            notifier.failed(error)
