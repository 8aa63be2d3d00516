"""Masks to names on a thread of their own, so that neither a click nor the window waits for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.perception.recognition import RecognisesObjects

OpenRecogniser = Callable[[], "RecognisesObjects | None"]


@dataclass(frozen=True, kw_only=True, eq=False)
class NamingJob:
    """What is this object? `image` is sRGB uint8[H, W, 3], `mask` of its size."""

    object_id: str
    image: RgbImage
    mask: TiledMask


class NamingWorker(QObject):
    """Says what objects are.

    Signals:
        recognised(job, result): the answer, a `RecognisedObject`.
        failed(error): the recogniser cannot be used; nothing is asked of it from now on.
    """

    recognised = Signal(object, object)
    failed = Signal(object)

    def __init__(self, open_recogniser: OpenRecogniser, parent: QObject | None = None) -> None:
        """`open_recogniser` is called with each job, on their thread; None means that there is none."""
        super().__init__(parent)
        self._open = open_recogniser
        self._broken = False
        # torch keeps its helpers for the thread that computes: it stays.
        self._worker = SerialWorker[NamingJob, RecognisedObject | None](
            self._work, self, name="the names", linger_s=None
        )
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(self._on_failed)

    def ask(self, job: NamingJob) -> None:
        """Ask what an object is; an older question about the same object is dropped."""
        if self._broken:
            return
        for ticket in self._worker.tickets:
            if ticket.job.object_id == job.object_id:
                self._worker.drop(ticket)
        self._worker.submit(job)

    def drop_all(self) -> None:
        """No answer is wanted any more."""
        for ticket in self._worker.tickets:
            self._worker.drop(ticket)

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the job in hand."""
        self._worker.stop()

    def close(self) -> None:
        """Finish the job in hand and end the thread."""
        self._worker.close()

    def _work(self, job: NamingJob, control: JobControl) -> RecognisedObject | None:
        with gil_friendly_imports():
            recogniser = self._open()
        control.cancel.raise_if_cancelled()
        if recogniser is None:
            return None
        return recogniser.recognise(job.image, job.mask.to_array().astype(np.float32) / np.float32(255))

    def _on_finished(self, ticket: Ticket[NamingJob], result: RecognisedObject | None) -> None:
        if result is not None:
            self.recognised.emit(ticket.job, result)

    def _on_failed(self, _ticket: Ticket[NamingJob], error: Exception) -> None:
        # Names are a help: said once, and the work goes on without them.
        self._broken = True
        self.drop_all()
        self.failed.emit(error)
