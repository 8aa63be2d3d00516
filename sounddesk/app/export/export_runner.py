"""Runs exports off the UI thread, one after the other, with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.background import Background
from sounddesk.audio.timeline_mix import Mono
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.engine.tasks import CancelToken

if TYPE_CHECKING:
    from sounddesk.audio.exporters.export import ExportReport
    from sounddesk.audio.exporters.export_plan import ExportPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportJob:
    """One export: a state of the project, what to write and where.

    Attributes:
        replace: files of the same names are replaced.
        purpose: 'ask' from the dialog, with a progress box; 'save' for the export on save; 'drag' for dragging out.
    """

    project: Project
    takes: TakeLibrary
    plan: ExportPlan
    folder: Path
    replace: bool = False
    purpose: Literal["ask", "save", "drag"] = "ask"
    cancel: CancelToken = field(default_factory=CancelToken)


class ExportRunner(QObject):
    """Signals, each with the job: progressed(job, done, total), finished(job, ExportReport), failed(job, message),
    cancelled(job). A job ends in exactly one of the last three.
    """

    progressed = Signal(object, int, int)
    finished = Signal(object, object)
    failed = Signal(object, str)
    cancelled = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[ExportJob] = []
        self._background = Background(self)
        self._background.done.connect(self._done)
        self._background.failed.connect(self._failed)

    def start(self, job: ExportJob) -> None:
        """Export as soon as the jobs before are done."""
        self._jobs.append(job)
        # Takes are added by the UI thread meanwhile; the job works on those there are now.
        takes = TakeLibrary(list(job.takes))

        def step(done: int, total: int) -> None:
            job.cancel.raise_if_cancelled()
            # Qt hands on 32-bit numbers: thousandths are enough for a bar.
            self.progressed.emit(job, 1000 * done // max(1, total), 1000)

        self._background.start(job, lambda: _export(job, takes, step=step))

    def close(self) -> None:
        """Cancel everything and wait for the end."""
        for job in self._jobs:
            job.cancel.cancel()
        self._background.close()
        self._jobs.clear()

    def _done(self, job: ExportJob, report: ExportReport) -> None:
        self._jobs.remove(job)
        self.finished.emit(job, report)

    def _failed(self, job: ExportJob, error: Exception) -> None:
        self._jobs.remove(job)
        if isinstance(error, Cancelled):
            self.cancelled.emit(job)
        else:
            self.failed.emit(job, str(error) or type(error).__name__)


def _export(job: ExportJob, takes: TakeLibrary, *, step: Callable[[int, int], None]) -> ExportReport:
    from sounddesk.audio.exporters.export import export_project
    from sounddesk.audio.take_samples import TakeSamples
    from sounddesk.engine.bundles.installed_bundles import bundle_licences

    samples: Callable[[str], Mono | None] = TakeSamples(takes)
    return export_project(
        job.project,
        takes,
        samples,
        job.plan,
        job.folder,
        licences=bundle_licences(),
        replace=job.replace,
        step=step,
    )
