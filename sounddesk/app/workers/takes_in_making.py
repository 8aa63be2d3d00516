"""Which objects takes are being made of, and how far those are."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.generation_queue import GenerateJob
from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.engine.tasks import Progress

# The stage of the engine that takes the time.
_LONG_STAGE = "denoise"


class TakesInMaking(QObject):
    """Follows the queue of generations.

    Signals: changed(): another object, or one is further.
    """

    changed = Signal()

    def __init__(self, queue: GenerationQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._shares: dict[int, float] = {}
        queue.queued.connect(lambda _ticket: self.changed.emit())
        queue.progressed.connect(self._follow)
        queue.finished.connect(lambda ticket, _takes: self._forget(ticket))
        queue.failed.connect(lambda ticket, _error: self._forget(ticket))
        queue.cancelled.connect(self._forget)

    @property
    def shares(self) -> dict[str, float]:
        """From 0 to 1 by the id of the object; of several jobs for one object that which is furthest."""
        found: dict[str, float] = {}
        for ticket in self._queue.waiting:
            for object_id in ticket.job.object_ids:
                found[object_id] = max(found.get(object_id, 0.0), self._shares.get(ticket.id, 0.0))
        return found

    def _follow(self, ticket: Ticket[GenerateJob], progress: Progress) -> None:
        if progress.stage == _LONG_STAGE:
            self._shares[ticket.id] = progress.done / max(1, progress.total)
            self.changed.emit()

    def _forget(self, ticket: Ticket[GenerateJob]) -> None:
        self._shares.pop(ticket.id, None)
        self.changed.emit()
