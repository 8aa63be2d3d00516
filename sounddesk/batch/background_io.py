"""Threads beside a worker's denoising loop: one reads the next frame, one writes finished sounds."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.batch.jobs import BedJob
from sounddesk.batch.jobs import FrameJob
from sounddesk.batch.jobs import Job
from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import OutputError
from sounddesk.engine.tasks import CancelToken

if TYPE_CHECKING:
    from sounddesk.engine.images.image_file import LoadedImage

# Sounds that wait for the disk: more would only take memory.
_MOST_WAITING: Final = 4


class FatalError(EngineError):
    """The whole batch must end, for example because the bundle is damaged."""


class FatalOutputError(FatalError, OutputError):
    """The whole batch must end because the output folder cannot be written."""


class FatalDiskFullError(FatalOutputError, DiskFullError):
    """The whole batch must end because the disk is full."""


@dataclass(kw_only=True, eq=False)
class OpenedFrame:
    """A frame on its way through the worker."""

    job: FrameJob
    image: LoadedImage | None = None
    error: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    # Filled by the writer: stems on the disk, why others are not, and the words that objects were made from.
    stems: dict[tuple[str, int], str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class BackgroundWriter:
    """Runs tasks in order on a thread of its own. After the first failure it only discards.

    Leaving the block waits until everything is done, unless the block itself failed.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(maxsize=_MOST_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def __enter__(self) -> BackgroundWriter:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        self._queue.put(None)
        self._thread.join()
        if error is None:
            self.raise_if_failed()

    def put(self, task: Callable[[], None]) -> None:
        self._queue.put(task)

    def raise_if_failed(self) -> None:
        """Raises: FatalError, when a file could not be written; what else was raised, as it is."""
        if isinstance(self._error, OutputError):
            kind = FatalDiskFullError if isinstance(self._error, DiskFullError) else FatalOutputError
            raise kind(str(self._error)) from self._error
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            if self._error is None:
                try:
                    task()
                except BaseException as error:  # noqa: BLE001  # handed to the thread that waits for it
                    self._error = error


def _opened_frame(job: FrameJob) -> OpenedFrame:
    from sounddesk.engine.images.movie_file import load_frame

    start = time.monotonic()
    frame = OpenedFrame(job=job)
    try:
        frame.image = load_frame(job.path)
    except EngineError as error:
        frame.error = str(error)
    frame.seconds["read"] = time.monotonic() - start
    return frame


def read_ahead(jobs: Iterable[Job], cancel: CancelToken) -> Generator[OpenedFrame | BedJob, None, None]:
    """Frames with their images (beds as they are), the next one read by a thread while the present one is rendered."""
    frames: queue.Queue[OpenedFrame | BedJob | BaseException | None] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def put(item: OpenedFrame | BedJob | BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                frames.put(item, timeout=0.1)
                return

    def read() -> None:
        try:
            for job in jobs:
                put(job if isinstance(job, BedJob) else _opened_frame(job))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits for it
            put(error)

    thread = threading.Thread(target=read, name="read", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = frames.get(timeout=0.1)
            except queue.Empty:
                cancel.raise_if_cancelled()
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
