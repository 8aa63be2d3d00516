"""A serial thread with signals: jobs off the UI thread, their reports and results back on it."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Generic

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal

from sounddesk.app.runtime.thread_priority import lower_thread_priority
from sounddesk.app.workers.serial_thread import Job
from sounddesk.app.workers.serial_thread import JobEvent
from sounddesk.app.workers.serial_thread import Result
from sounddesk.app.workers.serial_thread import SerialThread
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_thread import Work
from sounddesk.engine.tasks import CancelToken


class SerialWorker(QObject, Generic[Job, Result]):
    """Runs jobs one after the other; each ends in exactly one of finished, failed, cancelled.

    All signals come on the thread of this object. A job that was done before it saw the request to stop ends as
    finished; after `drop` it ends as cancelled even then, so that no answer comes to an old question.

    Signals:
        started(ticket).
        progressed(ticket, report): what the job gave to `JobControl.report`, a `Progress` as a rule.
        finished(ticket, result).
        failed(ticket, error): `str(error)` is for the user.
        cancelled(ticket).

    Example:
        >>> from PySide6.QtCore import QEventLoop
        >>> loop = QEventLoop()
        >>> worker = SerialWorker(lambda word, control: word.upper(), name="shouting")
        >>> shown = worker.finished.connect(lambda ticket, result: print(ticket.job, "->", result))
        >>> ended = worker.finished.connect(lambda _ticket, _result: loop.quit())
        >>> ticket = worker.submit("rain")
        >>> code = loop.exec()
        rain -> RAIN
        >>> worker.close()
    """

    started = Signal(object)
    progressed = Signal(object, object)
    finished = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)
    _told = Signal(str, object, object)

    def __init__(
        self, work: Work[Job, Result], parent: QObject | None = None, *, name: str, linger_s: float | None = 2.0
    ) -> None:
        """`work`, `name` and `linger_s` are those of `SerialThread`."""
        super().__init__(parent)
        self._tickets: dict[int, Ticket[Job]] = {}
        self._dropped: set[int] = set()
        thread = SerialThread(work, self._tell, name=name, linger_s=linger_s, on_start=lower_thread_priority)
        self._thread = thread
        self._told.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        # Not the method itself: Qt holds that weakly, and `self` is going.
        self.destroyed.connect(partial(thread.stop))

    @property
    def tickets(self) -> tuple[Ticket[Job], ...]:
        """Jobs that have not ended, in their order; the first one runs."""
        return tuple(self._tickets.values())

    def submit(self, job: Job, *, cancel: CancelToken | None = None) -> Ticket[Job]:
        """Queue a job."""
        ticket = self._thread.submit(job, cancel=cancel)
        # Its first event is delivered by the event loop, so never before this.
        self._tickets[ticket.id] = ticket
        return ticket

    def cancel(self, ticket: Ticket[Job]) -> None:
        """Stop a job: one that waits never begins, one that runs ends after the step in hand."""
        self._thread.cancel(ticket)

    def drop(self, ticket: Ticket[Job]) -> None:
        """Stop a job whose result is no longer wanted; nothing is reported of it but its end, as cancelled."""
        if ticket.id in self._tickets:
            self._dropped.add(ticket.id)
            self.cancel(ticket)

    def cancel_all(self) -> None:
        for ticket in self.tickets:
            self.cancel(ticket)

    def stop(self) -> None:
        """Cancel everything and take no more jobs. Returns at once; `wait` waits for the end."""
        self._thread.stop()

    def wait(self) -> None:
        """Wait for the step in hand after `stop`."""
        self._thread.wait()

    def close(self) -> None:
        """Cancel everything, take no more jobs and wait for the step in hand. Harmless when called again."""
        self._thread.close()

    def _tell(self, event: JobEvent, ticket: Ticket[Job], value: object) -> None:
        # The window may be gone before a job that nobody waits for.
        with contextlib.suppress(RuntimeError):
            self._told.emit(event, ticket, value)

    def _deliver(self, event: JobEvent, ticket: Ticket[Job], value: object) -> None:
        dropped = ticket.id in self._dropped
        if ticket.id not in self._tickets:
            return
        if event == "started":
            self.started.emit(ticket)
        elif event == "progressed":
            if not ticket.cancel.cancelled:
                self.progressed.emit(ticket, value)
        else:
            del self._tickets[ticket.id]
            self._dropped.discard(ticket.id)
            if dropped or event == "cancelled":
                self.cancelled.emit(ticket)
            elif event == "finished":
                self.finished.emit(ticket, value)
            else:
                self.failed.emit(ticket, value)
