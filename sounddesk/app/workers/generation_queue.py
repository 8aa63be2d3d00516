"""The queue of generations: takes made one job after the other, with progress, time left and cancel."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import cast

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.take import Take
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.bundles.memory_plan import MemoryPlan
    from sounddesk.engine.generation.variation_types import VariationRequest
    from sounddesk.engine.session import EngineSession

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
        title: shown in the queue, e.g. 'dog, car'.
        make_request: what is asked of the engine, its takes in the order of `object_ids`; called on the queue's thread,
            because unpacking masks takes long.
        object_ids: whose take each one is.
        engine: what makes them.
        place: puts the takes onto their lanes; None for the usual way.
    """

    make_request: Callable[[], GenerationRequest | VariationRequest]
    object_ids: tuple[str, ...]
    title: str
    engine: EngineChoice = EngineChoice()
    place: Callable[[Sequence[Take]], object] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _AttentionQuery:
    id: int
    image: RgbImage
    target: AttentionTarget
    engine: EngineChoice


@dataclass(frozen=True)
class _Unload:
    pass


_Job = GenerateJob | _AttentionQuery | _Unload


class _Engine:
    """Does the jobs. Keeps one engine session open until another bundle or device is asked for."""

    def __init__(self) -> None:
        self.between_steps: Callable[[], None] = lambda: None
        self._session: EngineSession | None = None
        self._choice: EngineChoice | None = None

    def run(self, job: _Job, control: JobControl) -> object:
        def stepped(progress: object) -> None:
            control.report(progress)
            self.between_steps()

        match job:
            case GenerateJob():
                session = self._open(job.engine, control.cancel)
                request = job.make_request()
                if isinstance(request, GenerationRequest):
                    return session.generate(request, on_progress=stepped, cancel=control.cancel)
                return session.generate_variations(request, on_progress=stepped, cancel=control.cancel)
            case _AttentionQuery(image=image, target=target):
                session = self._open(job.engine, control.cancel)
                if isinstance(target, str):
                    weights = session.attention_map(image, target)
                else:
                    weights = session.patch_weight_map(image, target())
                return weights, session.patch_grid
            case _Unload():
                self._unload()
                return None

    def _unload(self) -> None:
        if self._session is not None:
            self._session.unload()

    def _open(self, choice: EngineChoice, cancel: CancelToken) -> EngineSession:
        if self._session is None or self._choice != choice:
            self._unload()
            with gil_friendly_imports():
                # The slow imports, each of some seconds: a window that is closed meanwhile waits for one, not for all.
                from sounddesk.engine.bundles import component_loading  # noqa: F401

                cancel.raise_if_cancelled()
                from sounddesk.engine.generation import pipelines  # noqa: F401

                cancel.raise_if_cancelled()
                from sounddesk.engine.session import EngineSession

                self._session = EngineSession.open(
                    bundle=choice.bundle,
                    device=choice.device,
                    memory=None if choice.memory == "auto" else cast("MemoryPlan", choice.memory),
                    full_precision=choice.precision == "full",
                )
            self._choice = choice
        return self._session


class GenerationQueue(QObject):
    """Generations one after the other, off the UI thread; each ends as finished, failed or cancelled.

    Signals, each with the job's `Ticket[GenerateJob]`:
        queued(ticket), started(ticket), progressed(ticket, Progress).
        finished(ticket, takes): `takes` is a list of `GeneratedTake` in the request's order.
        failed(ticket, error), cancelled(ticket).
    And attention(query_id, result, error): answer to `find_attention`; `result` is (float32[P], (rows, columns)) or
        None with the error.
    """

    queued = Signal(object)
    started = Signal(object)
    progressed = Signal(object, object)
    finished = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)
    attention = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # torch keeps its helpers for the thread that computes: it stays.
        self._engine = _Engine()
        self._worker = SerialWorker[_Job, object](self._engine.run, self, name="the generation", linger_s=None)
        self._worker.started.connect(self._on_started)
        self._worker.progressed.connect(self.progressed)
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(self._on_failed)
        self._worker.cancelled.connect(self._on_cancelled)

    @property
    def between_steps(self) -> Callable[[], None]:
        """Called on the queue's thread after each step of a generation; may wait there, so that others get on."""
        return self._engine.between_steps

    @between_steps.setter
    def between_steps(self, wait: Callable[[], None]) -> None:
        self._engine.between_steps = wait

    @property
    def waiting(self) -> tuple[Ticket[GenerateJob], ...]:
        """Jobs that have not ended, in their order; the first one runs."""
        return tuple(
            cast("Ticket[GenerateJob]", each) for each in self._worker.tickets if isinstance(each.job, GenerateJob)
        )

    def submit(self, job: GenerateJob) -> int:
        """Queue a job; its id."""
        ticket = self._worker.submit(job)
        self.queued.emit(ticket)
        return ticket.id

    def cancel(self, job_id: int) -> None:
        """Stop a job: a running one ends after the step in hand, a waiting one never begins."""
        for ticket in self._worker.tickets:
            if ticket.id == job_id:
                self._worker.cancel(ticket)

    def cancel_all(self) -> None:
        """Stop all generations."""
        for ticket in self.waiting:
            self.cancel(ticket.id)

    def find_attention(self, query_id: int, image: RgbImage, target: AttentionTarget, *, engine: EngineChoice) -> None:
        """Ask where in the image a text is found, or by which patch weights an object is generated; waits for the
        jobs before it. What makes the object's request is called on the queue's thread.
        """
        self._worker.submit(_AttentionQuery(id=query_id, image=image, target=target, engine=engine))

    def unload(self) -> None:
        """Free the networks once the jobs before it are done."""
        self._worker.submit(_Unload())

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the step in hand."""
        self._worker.stop()

    def close(self) -> None:
        """Cancel everything, wait for the step in hand, end the thread."""
        self._worker.close()

    def _on_started(self, ticket: Ticket[_Job]) -> None:
        if isinstance(ticket.job, GenerateJob):
            self.started.emit(ticket)

    def _on_finished(self, ticket: Ticket[_Job], result: object) -> None:
        if isinstance(ticket.job, GenerateJob):
            self.finished.emit(ticket, result)
        elif isinstance(ticket.job, _AttentionQuery):
            self.attention.emit(ticket.job.id, result, None)

    def _on_failed(self, ticket: Ticket[_Job], error: Exception) -> None:
        if isinstance(ticket.job, _AttentionQuery):
            self.attention.emit(ticket.job.id, None, error)
        elif isinstance(ticket.job, GenerateJob):
            self.failed.emit(ticket, error)

    def _on_cancelled(self, ticket: Ticket[_Job]) -> None:
        if isinstance(ticket.job, GenerateJob):
            self.cancelled.emit(ticket)
