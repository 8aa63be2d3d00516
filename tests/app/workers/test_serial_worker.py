"""Jobs off the UI thread and their answers back on it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject

from sounddesk.app.workers.background import Background
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_worker import SerialWorker
from tests.app.conftest import wait_until

Task = Callable[[JobControl], object]


@pytest.fixture
def worker(qapp: object) -> Iterator[SerialWorker[Task, object]]:
    made = SerialWorker[Task, object](lambda task, control: task(control), name="the test")
    yield made
    made.close()


def test_the_work_is_on_another_thread_and_the_answer_on_this_one(worker: SerialWorker[Task, object]) -> None:
    answers = []
    worker.finished.connect(lambda ticket, result: answers.append((ticket.id, result, threading.get_ident())))
    ticket = worker.submit(lambda _control: threading.get_ident())
    assert worker.tickets == (ticket,)
    wait_until(lambda: bool(answers))
    assert worker.tickets == ()
    ((number, worked_on, answered_on),) = answers
    assert number == ticket.id
    assert worked_on != answered_on == threading.get_ident()


def test_a_dropped_job_ends_as_cancelled_even_where_it_was_done(worker: SerialWorker[Task, object]) -> None:
    ended = []
    worker.finished.connect(lambda ticket, result: ended.append((ticket.id, result)))
    worker.cancelled.connect(lambda ticket: ended.append((ticket.id, "cancelled")))
    done = threading.Event()

    def task(_control: JobControl) -> str:
        done.set()
        return "done"

    dropped, cancelled = worker.submit(task), worker.submit(lambda _control: "too late to stop")
    assert done.wait(20)
    worker.drop(dropped)
    wait_until(lambda: len(ended) == 2)
    worker.cancel(cancelled)
    assert ended == [(dropped.id, "cancelled"), (cancelled.id, "too late to stop")]


def test_a_worker_that_nobody_closed_ends_with_its_parent(qapp: object) -> None:
    parent = QObject()
    worker = SerialWorker[Task, object](lambda task, control: task(control), parent, name="orphan", linger_s=None)
    begun, stopped = threading.Event(), threading.Event()

    def long(control: JobControl) -> None:
        begun.set()
        while not control.cancel.cancelled:
            time.sleep(0.001)
        stopped.set()

    worker.submit(long)
    del worker
    assert begun.wait(20)
    shiboken6.delete(parent)
    assert stopped.wait(20)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux alone")
def test_the_work_stands_behind_the_ui_thread(worker: SerialWorker[Task, object]) -> None:
    answers = []
    worker.finished.connect(lambda _ticket, result: answers.append(result))
    worker.submit(lambda _control: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    wait_until(lambda: bool(answers))
    assert answers[0] > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_only_the_newest_work_of_a_key_is_answered(qapp: object) -> None:
    background = Background(name="this")
    answers: list[tuple[object, object]] = []
    background.done.connect(lambda key, result: answers.append((key, result)))
    background.failed.connect(lambda key, error: answers.append((key, str(error))))
    gate = threading.Event()
    background.start("one", lambda: gate.wait(20))
    for number in range(5):
        background.start("one", lambda number=number: number)  # type: ignore[misc]
    background.start("two", lambda: {}["nothing"])
    assert background.is_running("one")
    gate.set()
    wait_until(lambda: len(answers) == 2)
    assert answers == [("one", 4), ("two", "this failed unexpectedly; the log has the details (Help > Log)")]
    assert not background.is_running("one")
    background.close()
