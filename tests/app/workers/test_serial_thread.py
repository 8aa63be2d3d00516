"""Order, ids, cancel and the end of every job, without Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import SerialThread
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError

Task = Callable[[JobControl], object]


class Heard:
    """What a thread told, in order; `gate` is held by jobs that shall not end yet."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int, Any]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()

    def tell(self, event: str, ticket: Ticket[Task], value: object) -> None:
        self.events.append((event, ticket.id, value))

    def endings(self) -> list[tuple[str, int]]:
        return [(event, number) for event, number, _ in self.events if event in ("finished", "failed", "cancelled")]

    def hold(self, _control: JobControl) -> None:
        self.begun.set()
        assert self.gate.wait(20)


def run(task: Task, control: JobControl) -> object:
    return task(control)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def thread(heard: Heard) -> Iterator[SerialThread[Task, object]]:
    made = SerialThread(run, heard.tell, name="the test", linger_s=10.0)
    yield made
    heard.gate.set()
    made.close()


def test_jobs_are_done_in_order_and_tell_what_came_of_them(thread: SerialThread[Task, object], heard: Heard) -> None:
    def reports(control: JobControl) -> str:
        control.report("half")
        return "whole"

    thread.submit(reports)
    thread.submit(lambda _control: 2)
    thread.finish()
    assert heard.events == [
        ("started", 1, None),
        ("progressed", 1, "half"),
        ("finished", 1, "whole"),
        ("started", 2, None),
        ("finished", 2, 2),
    ]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EngineError("no bundle 'x': choose another one"), "no bundle 'x': choose another one"),
        (ValueError("steps is 0: choose from 1"), "steps is 0: choose from 1"),
        (MemoryError(), "there is not enough memory: close other programs"),
        # What out of memory on a graphics card is, and what superqt's workers swallow.
        (RuntimeError("CUDA error"), "the test failed unexpectedly; the log has the details (Help > Log)"),
        (SystemExit(3), "the test failed unexpectedly; the log has the details (Help > Log)"),
    ],
)
def test_every_exception_is_told_and_the_next_job_runs(
    thread: SerialThread[Task, object], heard: Heard, error: BaseException, text: str
) -> None:
    def fails(_control: JobControl) -> None:
        raise error

    thread.submit(fails)
    thread.submit(lambda _control: "next")
    thread.finish()
    assert heard.endings() == [("failed", 1), ("finished", 2)]
    told = heard.events[1][2]
    assert str(told) == text
    assert told.__traceback__ is None


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_after_its_step(
    thread: SerialThread[Task, object], heard: Heard
) -> None:
    def long(control: JobControl) -> None:
        heard.hold(control)
        control.cancel.raise_if_cancelled()

    first, second = thread.submit(long), thread.submit(heard.hold)
    assert heard.begun.wait(20)
    thread.cancel(second)
    assert heard.endings() == [("cancelled", 2)]
    thread.cancel(first)
    heard.gate.set()
    thread.finish()
    assert heard.endings() == [("cancelled", 2), ("cancelled", 1)]


def test_cancel_shared_with_others_ends_a_job_before_it_begins(
    thread: SerialThread[Task, object], heard: Heard
) -> None:
    first = thread.submit(heard.hold)
    assert heard.begun.wait(20)
    thread.submit(lambda _control: "never", cancel=first.cancel)
    first.cancel.cancel()
    heard.gate.set()
    thread.finish()
    assert heard.endings() == [("finished", 1), ("cancelled", 2)]


def test_closing_cancels_what_waits_and_waits_for_the_step_in_hand(
    thread: SerialThread[Task, object], heard: Heard
) -> None:
    def long(control: JobControl) -> None:
        heard.begun.set()
        while not control.cancel.cancelled:
            pass
        raise Cancelled

    thread.submit(long)
    thread.submit(heard.hold)
    assert heard.begun.wait(20)
    thread.close()
    assert sorted(heard.endings()) == [("cancelled", 1), ("cancelled", 2)]
    thread.submit(heard.hold)
    assert heard.endings()[-1] == ("cancelled", 3)
    thread.close()


def test_the_thread_is_there_for_as_long_as_there_is_work(heard: Heard) -> None:
    seen: list[int] = []
    thread = SerialThread(run, heard.tell, name="short", linger_s=0.0, on_start=lambda: seen.append(0))
    thread.submit(lambda _control: seen.append(threading.get_ident()))
    thread.wait()
    thread.submit(lambda _control: seen.append(threading.get_ident()))
    thread.wait()
    assert [each == 0 for each in seen] == [True, False, True, False]
    assert threading.get_ident() not in seen
    assert "short" not in [each.name for each in threading.enumerate()]


def test_nothing_is_kept_of_a_job_that_is_done(thread: SerialThread[Task, object]) -> None:
    import gc
    import weakref

    class Big:
        pass

    big = Big()
    held = weakref.ref(big)
    done = threading.Event()
    thread._tell = lambda event, _ticket, _value: done.set() if event == "finished" else None  # type: ignore[assignment]
    thread.submit(lambda _control, big=big: None)  # type: ignore[misc]
    del big
    assert done.wait(20)
    for _ in range(1000):
        if held() is None:
            break
        threading.Event().wait(0.01)
    gc.collect()
    assert held() is None


def test_jobs_from_many_threads_each_end_once(thread: SerialThread[Task, object], heard: Heard) -> None:
    def submit() -> None:
        for number in range(200):
            ticket = thread.submit(lambda _control: None)
            if number % 3 == 0:
                thread.cancel(ticket)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    thread.finish()
    assert sorted(number for _, number in heard.endings()) == list(range(1, 801))
