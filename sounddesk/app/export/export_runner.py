"""Runs exports off the UI thread, one after the other, with progress and cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.audio.placed_clip import Sound
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress

if TYPE_CHECKING:
    from sounddesk.audio.exporters.export import ExportReport
    from sounddesk.audio.exporters.export_plan import ExportPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportJob:
    """One export: a state of the project, what to write and where.

    Attributes:
        replace: files of the same names are replaced.
        may_replace: whether such a file, by its path, may be; one that may not ends the export before it begins.
        wrote: called with all files that were written, off the UI thread.
        purpose: 'ask' from the dialog, with a progress box; 'save' for the export on save; 'drag' for dragging out.
    """

    project: Project
    takes: TakeLibrary
    plan: ExportPlan
    folder: Path
    replace: bool = False
    may_replace: Callable[[Path], bool] = lambda _path: True
    wrote: Callable[[Sequence[Path]], None] = lambda _files: None
    purpose: Literal["ask", "save", "drag"] = "ask"
    cancel: CancelToken = field(default_factory=CancelToken)


# With the takes that there were when it was asked for.
_Export = tuple[ExportJob, TakeLibrary]


class ExportRunner(QObject):
    """Signals, each with the job: progressed(job, done, total), finished(job, ExportReport), failed(job, error),
    cancelled(job). A job ends in exactly one of the last three.
    """

    progressed = Signal(object, int, int)
    finished = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = SerialWorker[_Export, "ExportReport"](_export, self, name="the export")
        self._worker.progressed.connect(self._on_progress)
        self._worker.finished.connect(lambda ticket, report: self.finished.emit(ticket.job[0], report))
        self._worker.failed.connect(lambda ticket, error: self.failed.emit(ticket.job[0], error))
        self._worker.cancelled.connect(lambda ticket: self.cancelled.emit(ticket.job[0]))

    def start(self, job: ExportJob) -> None:
        """Export as soon as the jobs before are done."""
        # Takes are added by the UI thread meanwhile; the job works on those there are now.
        self._worker.submit((job, TakeLibrary(list(job.takes))), cancel=job.cancel)

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the end."""
        self._worker.stop()

    def close(self) -> None:
        """Cancel everything and wait for the end."""
        self._worker.close()

    def _on_progress(self, ticket: Ticket[_Export], progress: Progress) -> None:
        # Qt hands on 32-bit numbers: thousandths are enough for a bar.
        self.progressed.emit(ticket.job[0], 1000 * progress.done // max(1, progress.total), 1000)


def _export(export: _Export, control: JobControl) -> ExportReport:
    from sounddesk.audio.exporters.export import export_project
    from sounddesk.audio.timeline_mix import TakeSamples
    from sounddesk.engine.bundles.installed_bundles import bundle_licences

    job, takes = export
    started_s = time.monotonic()

    def step(done: int, total: int) -> None:
        control.cancel.raise_if_cancelled()
        control.report(Progress(stage="export", done=done, total=total, elapsed_s=time.monotonic() - started_s))

    samples: Callable[[str], Sound | None] = TakeSamples(takes)
    report = export_project(
        job.project,
        takes,
        samples,
        job.plan,
        job.folder,
        licences=bundle_licences(),
        replace=job.replace,
        may_replace=job.may_replace,
        step=step,
    )
    job.wrote(report.written)
    return report
