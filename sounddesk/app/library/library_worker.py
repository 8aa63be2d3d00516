"""The threads of the library: one that answers, one that scans, so that a search never waits for a scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.library.library_jobs import LibraryJob
from sounddesk.app.library.library_jobs import LibraryWork
from sounddesk.app.library.library_jobs import SearchJob
from sounddesk.app.library.library_jobs import add_folder
from sounddesk.app.library.library_jobs import scan_library
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.errors import SounddeskError
from sounddesk.storage.library.library import Library


class LibraryWorker(QObject):
    """Searches, takes and scans, off the UI thread.

    Signals:
        answered(job, result): what a job gave.
        failed(job, error).
        scan_progressed(report): a `Progress`.
        scan_ended(report): a `ScanReport`, or None where it was stopped or failed.
    """

    answered = Signal(object, object)
    failed = Signal(object, object)
    scan_progressed = Signal(object)
    scan_ended = Signal(object)

    def __init__(self, open_library: Callable[[], Library], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_library = open_library
        self._work = LibraryWork(open_library)
        # torch keeps its helpers for the thread that computes: it stays.
        self._jobs = SerialWorker[LibraryJob, Any](self._do, self, name="the library", linger_s=None)
        self._jobs.finished.connect(lambda ticket, result: self.answered.emit(ticket.job, result))
        self._jobs.failed.connect(lambda ticket, error: self.failed.emit(ticket.job, error))
        self._scans = SerialWorker[Path | None, Any](self._scan, self, name="the scan")
        self._scans.progressed.connect(lambda _ticket, report: self.scan_progressed.emit(report))
        self._scans.finished.connect(lambda _ticket, report: self.scan_ended.emit(report))
        self._scans.failed.connect(self._on_scan_failed)
        self._scans.cancelled.connect(lambda _ticket: self.scan_ended.emit(None))

    @property
    def is_scanning(self) -> bool:
        return bool(self._scans.tickets)

    def ask(self, job: LibraryJob) -> None:
        """Ask for something; a search that has not been answered yet is dropped for a newer one."""
        if isinstance(job, SearchJob):
            for ticket in self._jobs.tickets:
                if isinstance(ticket.job, SearchJob):
                    self._jobs.drop(ticket)
        self._jobs.submit(job)

    def scan(self, folder: Path | None = None) -> None:
        """Scan the library, after taking in a folder where one is given."""
        self._scans.submit(folder)

    def stop_scan(self) -> None:
        """Stop it after the block in hand; what was done is kept."""
        self._scans.cancel_all()

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits."""
        self._jobs.stop()
        self._scans.stop()

    def close(self) -> None:
        """End the threads and wait for them."""
        self._scans.close()
        self._jobs.close()
        self._work.close()

    def _do(self, job: LibraryJob, control: JobControl) -> Any:
        return self._work.do(job, control.cancel)

    def _scan(self, folder: Path | None, control: JobControl) -> Any:
        if folder is not None:
            add_folder(self._open_library, folder)
        return scan_library(self._open_library, control.report, control.cancel)

    def _on_scan_failed(self, _ticket: Ticket[Path | None], error: Exception) -> None:
        self.failed.emit(None, error if isinstance(error, SounddeskError) else SounddeskError(str(error)))
        self.scan_ended.emit(None)
