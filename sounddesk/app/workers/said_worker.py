"""Words to masks on a thread of their own: 'the dog on the left'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.segmentation_worker import kept_mask
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker

if TYPE_CHECKING:
    from sounddesk.engine.prompters.registry import Prompter
    from sounddesk.engine.segmenters.choice import SegmenterChoice
    from sounddesk.engine.segmenters.protocol import EncodedImage

OpenPrompter = Callable[[], "Prompter"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    asked: int
    words: str
    choice: SegmenterChoice
    encoded: EncodedImage


class SaidWorker(QObject):
    """Finds what words mean.

    Signals:
        found(search, mask): the `FoundMask` of the search with that number.
        failed(search, message): why it found nothing; empty where it was stopped.
    """

    found = Signal(int, object)
    failed = Signal(int, str)

    def __init__(self, segment: SegmentationWorker, open_prompter: OpenPrompter, parent: QObject | None = None) -> None:
        """`segment`: whose segmenter and image are used; `open_prompter`: called with each search, on its thread."""
        super().__init__(parent)
        self._segment = segment
        self._open_prompter = open_prompter
        self._asked: int | None = None
        self._words = ""
        # torch keeps its helpers for the thread that computes: it stays.
        self._worker = SerialWorker[_Search, FoundMask](self._work, self, name="words to masks", linger_s=None)
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(lambda ticket, error: self._end(ticket.job.asked, str(error)))
        self._worker.cancelled.connect(lambda ticket: self._end(ticket.job.asked, ""))
        segment.handed_out.connect(self._on_handed_out)
        segment.failed.connect(self._on_segment_failed)

    def search(self, words: str) -> int:
        """Look for what words mean in the image; the number of the search. An older search is stopped."""
        self.cancel()
        self._words = words
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
            self._worker.submit(_Search(asked=job, words=self._words, choice=choice, encoded=encoded))

    def _on_segment_failed(self, job: int, message: str) -> None:
        if job == self._asked:
            self._end(job, message)

    def _on_finished(self, ticket: Ticket[_Search], found: FoundMask) -> None:
        if ticket.job.asked == self._asked:
            self._asked = None
            self.found.emit(ticket.job.asked, found)

    def _end(self, asked: int, message: str) -> None:
        if asked == self._asked:
            self._asked = None
        self.failed.emit(asked, message)

    def _work(self, job: _Search, control: JobControl) -> FoundMask:
        from sounddesk.engine.prompters.said_object import find_said

        with gil_friendly_imports():
            prompter = self._open_prompter()
        control.cancel.raise_if_cancelled()
        candidate = find_said(
            job.encoded, job.words, prompter=prompter, segmenter=job.choice.segmenter, cancel=control.cancel
        )
        return FoundMask(pixels=candidate.mask, mask=kept_mask(candidate.probability), score=candidate.score)
