"""The lane that makes takes: a queue of jobs on one thread, with progress, time left and cancel."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import cast

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtCore import Slot

from sounddesk.app.project.document import RgbImage
from sounddesk.app.runtime.heavy_imports import friendly_to_the_ui
from sounddesk.app.runtime.thread_priority import LaneThread
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest

if TYPE_CHECKING:
    from sounddesk.engine.bundles.memory_plan import MemoryPlan
    from sounddesk.engine.session import EngineSession

_log = logging.getLogger(__name__)

AttentionTarget = str | Callable[[], ObjectRequest]


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """Which session of the engine makes something.

    Attributes:
        bundle, device: as `EngineSession.open` takes them.
        precision: 'auto' takes what is quickest on the device, 'full' computes in float32.
        memory: a `MemoryPlan`, or 'auto'.
    """

    bundle: str = "starter"
    device: str = "auto"
    precision: str = "auto"
    memory: str = "auto"


@dataclass(frozen=True, kw_only=True, eq=False)
class GenerateJob:
    """What to generate, and for which objects.

    Attributes:
        id: unique within the lane; 0 before `submit`.
        title: shown in the queue, e.g. 'dog, car'.
        make_request: what is asked of the engine, its takes in the order of `object_ids`; called on the lane's thread,
            because unpacking masks takes long.
        object_ids: whose take each one is.
        engine: what makes them.
    """

    make_request: Callable[[], GenerationRequest]
    object_ids: tuple[str, ...]
    title: str
    engine: EngineChoice = EngineChoice()
    id: int = 0
    cancel: CancelToken = field(default_factory=CancelToken)


class _Worker(QObject):
    """Lives on the lane's thread. Keeps one engine session open until another bundle or device is asked for."""

    progressed = Signal(int, object)
    started = Signal(int)
    finished = Signal(int, object)
    failed = Signal(int, str)
    cancelled = Signal(int)
    attention = Signal(int, object, str)

    def __init__(self) -> None:
        super().__init__()
        self._session: EngineSession | None = None
        self._session_key: EngineChoice | None = None

    @Slot(object)
    def run(self, job: GenerateJob) -> None:
        if job.cancel.cancelled:
            self.cancelled.emit(job.id)
            return
        self.started.emit(job.id)
        try:
            session = self._open(job.engine)
            takes = session.generate(
                job.make_request(),
                on_progress=lambda progress: self.progressed.emit(job.id, progress),
                cancel=job.cancel,
            )
        except Cancelled:
            self.cancelled.emit(job.id)
        except (EngineError, ValueError) as error:
            self.failed.emit(job.id, str(error))
        except Exception:  # noqa: BLE001  # every failure is shown, none ends the lane (design 5)
            _log.exception("generation failed")
            self.failed.emit(job.id, "the generation failed unexpectedly; the log has the details (Help > Log)")
        else:
            self.finished.emit(job.id, takes)

    @Slot(int, object, object, object)
    def find_attention(self, query_id: int, image: RgbImage, target: AttentionTarget, engine: EngineChoice) -> None:
        try:
            session = self._open(engine)
            if isinstance(target, str):
                weights = session.attention_map(image, target)
            else:
                weights = session.patch_weight_map(image, target())
            self.attention.emit(query_id, (weights, session.patch_grid), "")
        except (EngineError, ValueError) as error:
            self.attention.emit(query_id, None, str(error))
        except Exception:  # noqa: BLE001  # every failure is shown, none ends the lane (design 5)
            _log.exception("attention map failed")
            self.attention.emit(query_id, None, "the attention could not be computed; the log has the details")

    @Slot()
    def unload(self) -> None:
        if self._session is not None:
            self._session.unload()

    def _open(self, engine: EngineChoice) -> EngineSession:
        if self._session is None or self._session_key != engine:
            self.unload()
            with friendly_to_the_ui():
                from sounddesk.engine.bundles import component_loading  # noqa: F401  # the slow imports, while it is safe
                from sounddesk.engine.generation import pipeline  # noqa: F401
                from sounddesk.engine.session import EngineSession

                self._session = EngineSession.open(
                    bundle=engine.bundle,
                    device=engine.device,
                    memory=None if engine.memory == "auto" else cast("MemoryPlan", engine.memory),
                    full_precision=engine.precision == "full",
                )
            self._session_key = engine
        return self._session


class GenerateLane(QObject):
    """Generation jobs, one after the other, off the UI thread; each ends as finished, failed or cancelled.

    Signals:
        queued(job), started(job_id), progressed(job_id, Progress).
        finished(job, takes): `takes` is a list of `GeneratedTake` in the request's order.
        failed(job, message), cancelled(job).
        idle(): the last job of the queue has ended.
        attention(query_id, result, message): answer to `find_attention`; `result` is (float32[P], (rows, columns)) or
            None with a message.
    """

    queued = Signal(object)
    started = Signal(int)
    progressed = Signal(int, object)
    finished = Signal(object, object)
    failed = Signal(object, str)
    cancelled = Signal(object)
    idle = Signal()
    attention = Signal(int, object, str)

    _run = Signal(object)
    _find_attention = Signal(int, object, object, object)
    _unload = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[int, GenerateJob] = {}
        self._last_id = 0
        self._thread = LaneThread(self)
        self._thread.setObjectName("generate")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        queued = Qt.ConnectionType.QueuedConnection
        self._run.connect(self._worker.run, queued)
        self._find_attention.connect(self._worker.find_attention, queued)
        self._unload.connect(self._worker.unload, queued)
        self._worker.started.connect(self.started, queued)
        self._worker.progressed.connect(self._on_progressed, queued)
        self._worker.finished.connect(self._on_finished, queued)
        self._worker.failed.connect(self._on_failed, queued)
        self._worker.cancelled.connect(self._on_cancelled, queued)
        self._worker.attention.connect(self.attention, queued)
        self._thread.finished.connect(self._worker.deleteLater)
        self._thread.start()

    @property
    def waiting(self) -> tuple[GenerateJob, ...]:
        """Jobs that have not ended, in their order; the first one runs."""
        return tuple(self._jobs.values())

    def submit(self, job: GenerateJob) -> int:
        """Queue a job; its id."""
        self._last_id += 1
        numbered = dataclasses.replace(job, id=self._last_id)
        self._jobs[numbered.id] = numbered
        self.queued.emit(numbered)
        self._run.emit(numbered)
        return numbered.id

    def cancel(self, job_id: int) -> None:
        """Stop a job: a running one ends after the step in hand, a waiting one never begins."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.cancel.cancel()

    def cancel_all(self) -> None:
        for job in self.waiting:
            job.cancel.cancel()

    def find_attention(self, query_id: int, image: RgbImage, target: AttentionTarget, *, engine: EngineChoice) -> None:
        """Ask where in the image a text is found, or by which patch weights an object is generated; waits for the
        jobs before it. What makes the object's request is called on the lane's thread.
        """
        self._find_attention.emit(query_id, image, target, engine)

    def unload(self) -> None:
        """Free the networks once the jobs before it are done."""
        self._unload.emit()

    def close(self) -> None:
        """Cancel everything, wait for the step in hand, end the thread."""
        self.cancel_all()
        self._thread.quit()
        self._thread.wait()

    def _on_progressed(self, job_id: int, progress: Progress) -> None:
        if job_id in self._jobs:
            self.progressed.emit(job_id, progress)

    def _on_finished(self, job_id: int, takes: object) -> None:
        self._end(job_id, lambda job: self.finished.emit(job, takes))

    def _on_failed(self, job_id: int, message: str) -> None:
        self._end(job_id, lambda job: self.failed.emit(job, message))

    def _on_cancelled(self, job_id: int) -> None:
        self._end(job_id, self.cancelled.emit)

    def _end(self, job_id: int, tell: Callable[[GenerateJob], None]) -> None:
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        tell(job)
        if not self._jobs:
            self.idle.emit()
