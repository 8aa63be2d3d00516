"""Installing, checking and removing models off the UI thread, one model at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.engine.catalogue.entries import CatalogueEntry


@dataclass(frozen=True, eq=False)
class _ModelJob:
    model_id: str
    what: Literal["install", "verify", "remove"]
    work: Callable[[JobControl], object]


class ModelsWorker(QObject):
    """Long work on models. Every job ends in exactly one of finished, paused, failed.

    Signals:
        progress(report): a `Progress` of the job in hand.
        finished(model_id, what): `what` is 'install', 'verify' or 'remove'.
        paused(model_id): it was stopped; what has arrived is kept, and installing goes on from there.
        failed(model_id, message): for the user.
    """

    progress = Signal(object)
    finished = Signal(str, str)
    paused = Signal(str)
    failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = SerialWorker[_ModelJob, object](_run, self, name="the work on the model")
        self._worker.progressed.connect(lambda _ticket, report: self.progress.emit(report))
        self._worker.finished.connect(self._on_finished)
        self._worker.cancelled.connect(lambda ticket: self.paused.emit(ticket.job.model_id))
        self._worker.failed.connect(lambda ticket, error: self.failed.emit(ticket.job.model_id, str(error)))

    @property
    def is_busy(self) -> bool:
        return bool(self._worker.tickets)

    def install(self, entry: CatalogueEntry) -> None:
        """Install a model whose licence the user has accepted, or go on with it. Raises: RuntimeError, when busy."""

        def work(control: JobControl) -> object:
            from sounddesk.engine.catalogue.model_install import install

            return install(entry, accept_licence=True, on_progress=control.report, cancel=control.cancel)

        self._start(_ModelJob(entry.id, "install", work))

    def verify(self, model_id: str) -> None:
        """Check every file of an installed model. Raises: RuntimeError, when busy."""

        def work(control: JobControl) -> None:
            from sounddesk.engine.catalogue.model_store import require_model

            require_model(model_id).verify(on_progress=control.report, cancel=control.cancel)

        self._start(_ModelJob(model_id, "verify", work))

    def remove(self, model_id: str) -> None:
        """Remove an installed model and what is left of its downloads. Raises: RuntimeError, when busy."""

        def work(_control: JobControl) -> object:
            from sounddesk.engine.catalogue.model_store import remove_model

            return remove_model(model_id)

        self._start(_ModelJob(model_id, "remove", work))

    def pause(self) -> None:
        """Stop the job in hand; `paused` follows."""
        self._worker.cancel_all()

    def close(self) -> None:
        """Stop and wait; what has arrived is kept."""
        self._worker.close()

    def _start(self, job: _ModelJob) -> None:
        if self.is_busy:
            raise RuntimeError("one model at a time")
        self._worker.submit(job)

    def _on_finished(self, ticket: Ticket[_ModelJob], _result: object) -> None:
        self.finished.emit(ticket.job.model_id, ticket.job.what)


def _run(job: _ModelJob, control: JobControl) -> object:
    return job.work(control)
