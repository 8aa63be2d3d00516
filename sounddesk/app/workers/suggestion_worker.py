"""Objects that nobody pointed at, one by one, on a thread of their own: clicks are answered meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.workers.naming_worker import OpenRecogniser
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.segmentation_worker import kept_mask
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.tiled_mask import TiledMask

if TYPE_CHECKING:
    from sounddesk.engine.segmenters.choice import SegmenterChoice
    from sounddesk.engine.segmenters.protocol import EncodedImage

MAX_SUGGESTIONS: Final = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class SuggestedMask:
    """One suggestion: its mask, and what it may be where something recognises objects."""

    found: FoundMask
    recognised: RecognisedObject | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    asked: int
    choice: SegmenterChoice
    encoded: EncodedImage
    taken: tuple[TiledMask, ...]


class SuggestionWorker(QObject):
    """Looks for objects that sound, the likeliest first.

    Signals:
        suggested(search, suggestion): one more `SuggestedMask` of the search with that number.
        ended(search, message): that search is over; the message is empty where it came to its end or was stopped.
    """

    suggested = Signal(int, object)
    ended = Signal(int, str)

    def __init__(
        self, segment: SegmentationWorker, open_recogniser: OpenRecogniser, parent: QObject | None = None
    ) -> None:
        """`segment`: whose segmenter and image are used; `open_recogniser`: called with each search."""
        super().__init__(parent)
        self._segment = segment
        self._open_recogniser = open_recogniser
        self._asked: int | None = None
        self._taken: tuple[TiledMask, ...] = ()
        # torch keeps its helpers for the thread that computes: it stays.
        self._worker = SerialWorker[_Search, None](self._work, self, name="the suggestions", linger_s=None)
        self._worker.progressed.connect(lambda ticket, suggestion: self.suggested.emit(ticket.job.asked, suggestion))
        self._worker.finished.connect(lambda ticket, _result: self._end(ticket, ""))
        self._worker.failed.connect(lambda ticket, error: self._end(ticket, str(error)))
        self._worker.cancelled.connect(lambda ticket: self._end(ticket, ""))
        segment.handed_out.connect(self._on_handed_out)
        segment.failed.connect(self._on_segment_failed)

    def search(self, taken: Sequence[TiledMask]) -> int:
        """Look for objects that are none of `taken`; the number of the search. An older search is stopped."""
        self.cancel()
        self._taken = tuple(taken)
        self._asked = self._segment.hand_out()
        return self._asked

    def cancel(self) -> None:
        """Stop the search; it ends within a step."""
        self._asked = None
        for ticket in self._worker.tickets:
            self._worker.cancel(ticket)

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the step in hand."""
        self._asked = None
        self._worker.stop()

    def close(self) -> None:
        """Finish the step in hand and end the thread."""
        self._worker.close()

    def _on_handed_out(self, job: int, choice: SegmenterChoice, encoded: EncodedImage) -> None:
        if job == self._asked:
            self._worker.submit(_Search(asked=job, choice=choice, encoded=encoded, taken=self._taken))

    def _on_segment_failed(self, job: int, message: str) -> None:
        if job == self._asked:
            self._asked = None
            self.ended.emit(job, message)

    def _end(self, ticket: Ticket[_Search], message: str) -> None:
        if ticket.job.asked == self._asked:
            self._asked = None
        self.ended.emit(ticket.job.asked, message)

    def _work(self, job: _Search, control: JobControl) -> None:
        from sounddesk.engine.segmenters.suggestions import suggest_objects

        suggestions = suggest_objects(
            job.encoded,
            segmenter=job.choice.proposer,
            recogniser=self._open_recogniser(),
            taken=[mask.to_bool() for mask in job.taken],
            limit=MAX_SUGGESTIONS,
            cancel=control.cancel,
        )
        for each in suggestions:
            mask = kept_mask(each.candidate.probability)
            found = FoundMask(pixels=each.candidate.mask, mask=mask, score=each.candidate.score)
            control.report(SuggestedMask(found=found, recognised=each.recognised))
