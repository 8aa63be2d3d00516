"""Jobs one after the other on a thread of their own, free of Qt: order, ids, cancel and the end of every job."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Generic
from typing import Literal
from typing import TypeVar

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import FaultError
from sounddesk.domain.errors import SounddeskError
from sounddesk.engine.tasks import CancelToken

_log = logging.getLogger(__name__)

Job = TypeVar("Job")
Result = TypeVar("Result")

# Errors whose text says what went wrong in the user's words. All others are faults of ours.
_EXPLAINED = (SounddeskError, OSError, ValueError, sqlite3.Error)


class UnexpectedError(FaultError):
    """A job failed by a fault of the program; the log has the traceback."""


@dataclass(frozen=True, eq=False)
class Ticket(Generic[Job]):
    """A job in the queue.

    Attributes:
        id: counts from 1 within one queue and is never used again.
        job: what was submitted.
        cancel: set once the job is to stop.
    """

    id: int
    job: Job
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, kw_only=True)
class JobControl:
    """What a job is given besides itself.

    Attributes:
        cancel: to be looked at between steps; raising `Cancelled` ends the job.
        report: hands on a `Progress`.
    """

    cancel: CancelToken
    report: Callable[[object], None]


JobEvent = Literal["started", "progressed", "finished", "failed", "cancelled"]
Work = Callable[[Job, JobControl], Result]


class SerialThread(Generic[Job, Result]):
    """Runs jobs in the order in which they were submitted; each ends in exactly one of finished, failed, cancelled.

    The thread starts with the first job. Methods may be called from any thread and return at once, except `wait`.

    Args:
        work: does a job. Every exception that it raises is caught, `RuntimeError` included: out of memory on a graphics
            card is one.
        tell: called with (event, ticket, value): the report, the result or the exception. On the thread of the jobs,
            or on the caller's for a job that is cancelled while it waits.
        name: of the thread, and of the work in messages.
        linger_s: how long the thread waits for another job before it ends; None keeps it until `stop`, for work that
            holds something which is bound to its thread.
        on_start: called first on the thread.

    Example:
        >>> events = []
        >>> thread = SerialThread(lambda job, control: 2 * job, lambda *event: events.append(event[0]), name="double")
        >>> ticket = thread.submit(21)
        >>> thread.finish()
        >>> events
        ['started', 'finished']
    """

    def __init__(
        self,
        work: Work[Job, Result],
        tell: Callable[[JobEvent, Ticket[Job], object], None],
        *,
        name: str,
        linger_s: float | None = 0.0,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._work = work
        self._tell = tell
        self._linger_s = linger_s
        self._on_start = on_start
        self._condition = threading.Condition()
        self._waiting: deque[Ticket[Job]] = deque()
        self._running: Ticket[Job] | None = None
        self._thread: threading.Thread | None = None
        self._last_id = 0
        self._closed = False

    def submit(self, job: Job, *, cancel: CancelToken | None = None) -> Ticket[Job]:
        """Queue a job. After `stop` or `finish` it ends as cancelled at once.

        Args:
            cancel: shared with the job's other parts; a new one by default.
        """
        with self._condition:
            self._last_id += 1
            ticket = Ticket(self._last_id, job, cancel or CancelToken())
            if not self._closed:
                self._waiting.append(ticket)
                self._condition.notify_all()
                if self._thread is None:
                    # What holds nothing but memory may end with the program; what lingers for a moment ends by itself.
                    daemon = self._linger_s is None
                    self._thread = threading.Thread(target=self._run, name=self.name, daemon=daemon)
                    self._thread.start()
                return ticket
        ticket.cancel.cancel()
        self._tell("cancelled", ticket, None)
        return ticket

    def cancel(self, ticket: Ticket[Job]) -> None:
        """Stop a job: one that waits never begins, one that runs ends after the step in hand."""
        ticket.cancel.cancel()
        with self._condition:
            if ticket not in self._waiting:
                return
            self._waiting.remove(ticket)
        self._tell("cancelled", ticket, None)

    def stop(self) -> None:
        """Cancel everything and take no more jobs. Returns at once."""
        with self._condition:
            self._closed = True
            waiting = tuple(self._waiting)
            if self._running is not None:
                self._running.cancel.cancel()
            self._condition.notify_all()
        for ticket in waiting:
            self.cancel(ticket)

    def wait(self) -> None:
        """Wait for the thread to end; it does after `stop`, or once it has nothing to do."""
        with self._condition:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def close(self) -> None:
        """Cancel everything and wait for the step in hand. Harmless when called again."""
        self.stop()
        self.wait()

    def finish(self) -> None:
        """Take no more jobs, and wait until all that were submitted are done."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self.wait()

    def _run(self) -> None:
        if self._on_start is not None:
            self._on_start()
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        """Do one job, with no reference to it or its result left afterwards. False where the thread is to end."""
        with self._condition:
            while not self._waiting:
                if self._closed or not self._condition.wait(self._linger_s):
                    if self._waiting:
                        break
                    self._thread = None
                    return False
            ticket = self._running = self._waiting.popleft()
        try:
            self._do(ticket)
        finally:
            with self._condition:
                self._running = None
        return True

    def _do(self, ticket: Ticket[Job]) -> None:
        if ticket.cancel.cancelled:
            self._tell("cancelled", ticket, None)
            return
        self._tell("started", ticket, None)
        control = JobControl(cancel=ticket.cancel, report=lambda report: self._tell("progressed", ticket, report))
        try:
            result = self._work(ticket.job, control)
        except Cancelled:
            self._tell("cancelled", ticket, None)
        except BaseException as error:  # noqa: BLE001  # every failure is shown, and none ends the thread
            self._tell("failed", ticket, self._explained(error))
        else:
            self._tell("finished", ticket, result)

    def _explained(self, error: BaseException) -> Exception:
        """The error whose text is for the user. Without its traceback, which would keep what the job had in memory."""
        if isinstance(error, MemoryError):
            return MemoryError(str(error) or "there is not enough memory: close other programs")
        if not isinstance(error, _EXPLAINED):
            _log.error("%s failed", self.name, exc_info=error)
            return UnexpectedError(f"{self.name} failed unexpectedly; the log has the details (Help > Log)")
        _log.info("%s failed: %s", self.name, error)
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return error
