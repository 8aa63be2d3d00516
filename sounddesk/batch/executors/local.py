"""A pool of processes on this machine, each with a model of its own.

`multiprocessing` with the spawn method, because a fork of a process that has torch in it may hang. Its ready-made pools
are not used: when one of their workers is killed, `Pool` waits for ever and `ProcessPoolExecutor` fails all other jobs,
and when the parent is killed their workers live on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from multiprocessing import connection as mp_connection
from multiprocessing.connection import Connection
from typing import Any
from typing import Final

from sounddesk.batch.background_io import FatalError
from sounddesk.batch.executors.portable_error import portable_error
from sounddesk.batch.executors.protocol import MAX_ATTEMPTS
from sounddesk.batch.executors.protocol import given_up_row
from sounddesk.batch.frame_renderer import FrameRenderer
from sounddesk.batch.jobs import Job
from sounddesk.batch.jobs import RenderSettings
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken

# One being rendered, one whose image is being read.
_JOBS_AHEAD: Final = 2
_POLL_S: Final = 0.2
_GRACE_S: Final = 10.0
# After these, a worker that is still there is killed.
_TERMINATE_S: Final = 2.0
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(kw_only=True, eq=False)
class _Worker:
    process: Any
    connection: Connection
    jobs: deque[tuple[Job, int]] = field(default_factory=deque)
    is_up: bool = False


class LocalExecutor:
    """Renders in `workers` processes. A worker that dies is replaced, and its frames are rendered again."""

    def __init__(self, settings: RenderSettings, *, workers: int) -> None:
        self._settings = settings
        self._count = workers
        self._context = multiprocessing.get_context("spawn")
        self._failed_starts = 0

    def run(self, jobs: Iterable[Job], *, on_row: Callable[[Row], None], cancel: CancelToken) -> None:
        waiting = _Waiting(iter(jobs))
        workers: list[_Worker] = []
        try:
            while True:
                cancel.raise_if_cancelled()
                while len(workers) < self._count and waiting.has_more():
                    workers.append(self._start())
                    _feed(workers[-1], waiting, ahead=1)
                # First one each, so that few frames do not queue behind one worker while another is idle.
                for ahead in range(1, _JOBS_AHEAD + 1):
                    for worker in workers:
                        _feed(worker, waiting, ahead=ahead)
                if not any(worker.jobs for worker in workers):
                    break
                self._listen(workers, waiting, on_row)
            for worker in workers:
                _send(worker, ("end", None))
            for worker in workers:
                worker.process.join(_GRACE_S)
        except Cancelled:
            for worker in workers:
                _send(worker, ("cancel", None))
            raise
        finally:
            for worker in workers:
                if worker.process.is_alive():
                    # Files are written whole or not at all, so nothing is lost by this.
                    worker.process.terminate()
            for worker in workers:
                worker.process.join(_TERMINATE_S)
                if worker.process.is_alive():
                    worker.process.kill()
                    worker.process.join(_GRACE_S)
                worker.connection.close()

    def pids(self) -> list[int]:
        """Process ids of the workers, for tests that kill one."""
        return [child.pid for child in multiprocessing.active_children() if child.pid is not None]

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        threads = {name: str(self._settings.cpu_threads) for name in _THREAD_VARIABLES}
        # Python would look for its own modules in the current folder first, which may be one that others made.
        with _environment({**threads, "PYTHONSAFEPATH": "1"}):
            process = self._context.Process(
                target=_work, args=(theirs, self._settings), name="sounddesk-batch-worker", daemon=True
            )
            process.start()
        theirs.close()
        return _Worker(process=process, connection=ours)

    def _listen(self, workers: list[_Worker], waiting: _Waiting, on_row: Callable[[Row], None]) -> None:
        """Drain worker messages and reap dead workers."""
        by_connection = {worker.connection: worker for worker in workers}
        for ready in mp_connection.wait(list(by_connection), timeout=_POLL_S):
            worker = by_connection[ready]  # type: ignore[index]
            try:
                kind, value = worker.connection.recv()
            except (EOFError, OSError):
                # Its end of the pipe closes with it, after everything it had sent.
                workers.remove(worker)
                self._reap(worker, waiting, on_row)
                continue
            except Exception as error:
                # Bytes that make no message: nothing that this worker says can be relied on.
                raise FatalError(f"a worker's message cannot be read ({error}): run it again with --resume") from error
            if kind == "up":
                worker.is_up = True
                self._failed_starts = 0
                continue
            if kind == "fatal":
                raise value
            on_row(value)
            if worker.jobs and worker.jobs[0][0].is_ended_by(value):
                worker.jobs.popleft()

    def _reap(self, worker: _Worker, waiting: _Waiting, on_row: Callable[[Row], None]) -> None:
        worker.process.join(_GRACE_S)
        worker.connection.close()
        code = worker.process.exitcode
        reason = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        if not worker.is_up:
            # It had not come to any frame: the others would fare alike, frame after frame.
            self._failed_starts += 1
            if self._failed_starts >= MAX_ATTEMPTS:
                raise FatalError(f"a worker cannot be started ({reason}): free memory or choose fewer workers")
        # Only the first frame was being rendered; the others just waited behind it.
        for number, (job, attempts) in enumerate(worker.jobs):
            tried = attempts + (number == 0 and worker.is_up)
            if tried >= MAX_ATTEMPTS:
                on_row(given_up_row(job, reason))
            else:
                waiting.put_back(job, tried)


class _Waiting:
    """Jobs that no worker has: those put back first, then fresh ones."""

    def __init__(self, fresh: Iterator[Job]) -> None:
        self._fresh = fresh
        self._returned: deque[tuple[Job, int]] = deque()

    def has_more(self) -> bool:
        if not self._returned:
            job = next(self._fresh, None)
            if job is not None:
                self._returned.append((job, 0))
        return bool(self._returned)

    def take(self) -> tuple[Job, int]:
        return self._returned.popleft()

    def put_back(self, job: Job, attempts: int) -> None:
        self._returned.append((job, attempts))


def _feed(worker: _Worker, waiting: _Waiting, *, ahead: int) -> None:
    while len(worker.jobs) < ahead and waiting.has_more():
        job, attempts = waiting.take()
        worker.jobs.append((job, attempts))
        # A worker that just died is noticed when it is listened to; its jobs are then put back.
        _send(worker, ("job", job))


def _send(worker: _Worker, message: tuple[str, Any]) -> None:
    with contextlib.suppress(OSError):
        worker.connection.send(message)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Inside the block, child processes start with these variables; libraries read them when they are loaded."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _work(connection: Connection, settings: RenderSettings) -> None:
    """What a worker process does: renders the jobs that come in, until it is told to end or its parent is gone."""
    # Ctrl-C goes to every process of the terminal; the parent decides and tells.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    cancel = CancelToken()
    jobs: queue.Queue[Job | None] = queue.Queue()
    threading.Thread(target=_receive, args=(connection, jobs, cancel), name="receive", daemon=True).start()
    sending = threading.Lock()

    def send(kind: str, value: Any) -> None:
        with sending, contextlib.suppress(OSError):
            connection.send((kind, value))

    send("up", None)
    try:
        FrameRenderer(settings).render(iter(jobs.get, None), emit=lambda row: send("row", row), cancel=cancel)
    except Cancelled:
        pass
    except Exception as error:  # noqa: BLE001  # the parent raises it, as a single worker would
        send("fatal", portable_error(error))


def _receive(connection: Connection, jobs: queue.Queue[Job | None], cancel: CancelToken) -> None:
    while True:
        try:
            kind, job = connection.recv()
        except (EOFError, OSError):
            kind, job = "cancel", None
        if kind == "cancel":
            cancel.cancel()
        jobs.put(job)
        if job is None:
            return


def _end_with_parent() -> None:
    """A killed parent cannot tell its workers; they must not go on writing beside the run that resumes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        mp_connection.wait([parent.sentinel])
        os._exit(1)
