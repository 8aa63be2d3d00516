"""Short work of widgets (pictures, measurements) off the UI thread, with the answer back on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker


@dataclass(frozen=True, eq=False)
class _Task:
    key: object
    work: Callable[[], Any]


class Background(QObject):
    """Runs functions one after the other. Only the newest work of a key is answered.

    Signals:
        done(key, result).
        failed(key, error): `str(error)` is for the user.
    """

    done = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, parent: QObject | None = None, *, name: str) -> None:
        """`name`: of the work, as a message says it: 'opening the image'."""
        super().__init__(parent)
        self._newest: dict[object, Ticket[_Task]] = {}
        self._worker = SerialWorker[_Task, Any](_run, self, name=name)
        self._worker.finished.connect(lambda ticket, result: self._answer(ticket, self.done, result))
        self._worker.failed.connect(lambda ticket, error: self._answer(ticket, self.failed, error))

    def start(self, key: object, work: Callable[[], Any]) -> None:
        """Run `work`; its result arrives with `done`. Work of the same key that has not answered yet is forgotten."""
        older = self._newest.get(key)
        self._newest[key] = self._worker.submit(_Task(key, work))
        if older is not None:
            self._worker.drop(older)

    def forget_all(self) -> None:
        """Answer no more to anything that was asked for so far."""
        for ticket in self._newest.values():
            self._worker.drop(ticket)
        self._newest.clear()

    def is_running(self, key: object) -> bool:
        return key in self._newest

    def stop(self) -> None:
        """Forget what has not begun. Returns at once; `close` waits for the rest."""
        self._newest.clear()
        self._worker.stop()

    def close(self) -> None:
        """Forget what has not begun and wait for the rest."""
        self.stop()
        self._worker.close()

    def _answer(self, ticket: Ticket[_Task], signal: Any, value: object) -> None:
        key = ticket.job.key
        if self._newest.get(key) is ticket:
            del self._newest[key]
            signal.emit(key, value)


def _run(task: _Task, _control: JobControl) -> Any:
    return task.work()
