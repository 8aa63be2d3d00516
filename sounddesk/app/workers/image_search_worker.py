"""Searches of the encoded image on a thread of their own: clicks are answered meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Generic
from typing import TypeVar

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_worker import SerialWorker

if TYPE_CHECKING:
    from sounddesk.engine.segmenters.choice import SegmenterChoice
    from sounddesk.engine.segmenters.protocol import EncodedImage

Query = TypeVar("Query")


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageSearch(Generic[Query]):
    """One search: its number, what it was asked, and where it looks."""

    number: int
    query: Query
    choice: SegmenterChoice
    encoded: EncodedImage


class ImageSearchWorker(QObject, Generic[Query]):
    """Looks for one thing at a time, in the image and with the segmenter that clicks use. Subclasses say how.

    Signals:
        found(search, result): the search with that number found something; it may find more.
        ended(search, error): that search is over; the error is None where it came to its end or was stopped.
    """

    found = Signal(int, object)
    ended = Signal(int, object)

    def __init__(self, segment: SegmentationWorker, parent: QObject | None = None, *, name: str) -> None:
        """`segment`: whose segmenter and image are used; `name`: of the thread."""
        super().__init__(parent)
        self._segment = segment
        self._asked: tuple[int, Query] | None = None
        # torch keeps its helpers for the thread that computes: it stays.
        self._worker = SerialWorker[ImageSearch[Query], None](self.look, self, name=name, linger_s=None)
        self._worker.progressed.connect(lambda ticket, result: self.found.emit(ticket.job.number, result))
        self._worker.finished.connect(lambda ticket, _result: self.ended.emit(ticket.job.number, None))
        self._worker.failed.connect(lambda ticket, error: self.ended.emit(ticket.job.number, error))
        self._worker.cancelled.connect(lambda ticket: self.ended.emit(ticket.job.number, None))
        segment.handed_out.connect(self._on_handed_out)
        segment.failed.connect(self._on_failed)

    def look(self, search: ImageSearch[Query], control: JobControl) -> None:
        """Report each result to `control`; called on the thread."""
        raise NotImplementedError

    def search(self, query: Query) -> int:
        """Begin a search; its number. An older one is stopped."""
        self.cancel()
        number = self._segment.hand_out()
        self._asked = number, query
        return number

    def cancel(self) -> None:
        """Stop the search; it ends within a step."""
        self._asked = None
        self._worker.cancel_all()

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the step in hand."""
        self._asked = None
        self._worker.stop()

    def close(self) -> None:
        """Finish the step in hand and end the thread."""
        self._worker.close()

    def _on_handed_out(self, job: int, choice: SegmenterChoice, encoded: EncodedImage) -> None:
        if self._asked is not None and self._asked[0] == job:
            search = ImageSearch(number=job, query=self._asked[1], choice=choice, encoded=encoded)
            self._asked = None
            self._worker.submit(search)

    def _on_failed(self, job: int, error: Exception | None) -> None:
        if self._asked is not None and self._asked[0] == job:
            self._asked = None
            self.ended.emit(job, error)
