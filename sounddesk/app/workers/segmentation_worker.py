"""Clicks to masks on a thread of their own, so that a click never waits behind a generation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Final

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.segmenters.choice import SegmenterChoice
    from sounddesk.engine.segmenters.protocol import EncodedImage
    from sounddesk.engine.segmenters.protocol import Prompt

MAX_SUGGESTIONS: Final = 12
# Less than this is no part of an object and the rest is all of it, in shares of 1.
_SURE: Final = 1 / 16


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundMask:
    """One candidate of the segmenter.

    Attributes:
        pixels: bool[H, W], for a preview.
        mask: with soft edges, ready for the document; None where only a preview was asked for.
        score: the segmenter's own estimate of the overlap with what was meant, 0 to 1.
    """

    pixels: BoolMask
    mask: TiledMask | None
    score: float


ChooseSegmenter = Callable[[], "SegmenterChoice"]


def choose_default_segmenter() -> SegmenterChoice:
    """SAM where a checkpoint is installed, the one that ships otherwise."""
    from sounddesk.engine.segmenters.choice import choose_segmenter

    return choose_segmenter()


def kept_mask(probability: FloatMask) -> TiledMask:
    """The mask of a segmenter's float32[H, W], soft at its edge alone.

    A network is never quite sure. Its thousandths all over the image cost 165 kB where the object's edge costs 11, and
    whoever looked at the mask afterwards, the UI thread too, had to unpack them.
    """
    cut = np.where(probability < _SURE, np.float32(0), probability)
    return TiledMask.from_array(np.where(cut > 1 - _SURE, np.float32(1), cut))


@dataclass(frozen=True, eq=False)
class _SetImage:
    sha256: str | None
    pixels: RgbImage | None


@dataclass(frozen=True, eq=False)
class _SetSegmenter:
    choose: ChooseSegmenter


@dataclass(frozen=True, eq=False)
class _Predict:
    prompt: Prompt
    preview: bool


@dataclass(frozen=True, eq=False)
class _Suggest:
    pass


_Job = _SetImage | _SetSegmenter | _Predict | _Suggest


class _Segmenting:
    """Does the jobs. Holds the segmenter and the encoded image."""

    def __init__(
        self, choose: ChooseSegmenter, *, on_ready: Callable[[str], None], on_notice: Callable[[str], None]
    ) -> None:
        self._choose = choose
        self._on_ready = on_ready
        self._on_notice = on_notice
        self._choice: SegmenterChoice | None = None
        self._encoded: EncodedImage | None = None
        self._sha256: str | None = None
        self._pixels: RgbImage | None = None

    def run(self, job: _Job, control: JobControl) -> tuple[FoundMask, ...] | None:
        match job:
            case _SetImage(sha256, pixels):
                self._sha256, self._pixels, self._encoded = sha256, pixels, None
            case _SetSegmenter(choose):
                self._choose, self._choice, self._encoded = choose, None, None
            case _Predict(prompt, preview):
                return self._predict(prompt, preview=preview)
            case _Suggest():
                return self._suggest()
        if self._pixels is not None and not control.cancel.cancelled:
            self._encode()
        return None

    def _predict(self, prompt: Prompt, *, preview: bool) -> tuple[FoundMask, ...]:
        encoded = self._encode()
        assert self._choice is not None
        # Packing takes 92 ms for a 4K image: too long for the UI thread.
        return tuple(
            FoundMask(pixels=each.mask, mask=None if preview else kept_mask(each.probability), score=each.score)
            for each in self._choice.segmenter.predict(encoded, prompt)
        )

    def _suggest(self) -> tuple[FoundMask, ...]:
        from sounddesk.engine.segmenters.proposals import propose_objects

        self._encode()
        assert self._choice is not None
        assert self._pixels is not None
        found = propose_objects(self._pixels, segmenter=self._choice.proposer, limit=MAX_SUGGESTIONS)
        return tuple(FoundMask(pixels=each.mask, mask=kept_mask(each.probability), score=each.score) for each in found)

    def _encode(self) -> EncodedImage:
        if self._choice is None:
            # SAM and the starter's segmenter bring torch along.
            with gil_friendly_imports():
                self._choice = self._choose()
            self._on_notice(self._choice.notice)
            for note in self._choice.notes:
                self._on_notice(note)
        if self._pixels is None or self._sha256 is None:
            from sounddesk.engine.segmenters.protocol import PromptError

            raise PromptError("there is no image yet: open one first")
        if self._encoded is None:
            self._encoded = self._choice.segmenter.encode(self._pixels)
            self._on_ready(self._sha256)
        return self._encoded


class SegmentationWorker(QObject):
    """Clicks, boxes and scribbles to masks, off the UI thread.

    Signals:
        ready(sha256): the image with that hash is encoded; from now on a click is quick.
        predicted(job_id, found): answer to `predict`, a tuple of `FoundMask`, best first.
        suggested(job_id, found): answer to `suggest`, likewise.
        failed(job_id, message): a job ended without one; the message is empty where a newer job or another image made
            it needless, and `job_id` is -1 where the image itself could not be encoded.
        notice(text): which segmenter is active, and what else the user should know of it.
    """

    ready = Signal(str)
    predicted = Signal(int, object)
    suggested = Signal(int, object)
    failed = Signal(int, str)
    notice = Signal(str)
    _encoded = Signal(str)
    _noticed = Signal(str)

    def __init__(self, parent: QObject | None = None, *, choose: ChooseSegmenter = choose_default_segmenter) -> None:
        super().__init__(parent)
        # From the thread of the jobs to this one.
        self._encoded.connect(self.ready, Qt.ConnectionType.QueuedConnection)
        self._noticed.connect(self.notice, Qt.ConnectionType.QueuedConnection)
        segmenting = _Segmenting(choose, on_ready=self._encoded.emit, on_notice=self._noticed.emit)
        # torch keeps its helpers for the thread that computes: it stays.
        self._worker = SerialWorker[_Job, object](segmenting.run, self, name="the selection", linger_s=None)
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(lambda ticket, error: self._on_failed(ticket, str(error)))
        self._worker.cancelled.connect(self._on_cancelled)

    def set_image(self, sha256: str | None, pixels: RgbImage | None) -> None:
        """Encode another image (None: there is none); answers for the old one are no longer wanted."""
        self._drop(_SetImage, _Predict, _Suggest)
        self._worker.submit(_SetImage(sha256, pixels))

    def predict(self, prompt: Prompt, *, preview: bool = False) -> int:
        """Ask for the mask at `prompt`; the job's id. Older predictions are not answered any more.

        `preview`: only to be looked at, so `FoundMask.mask` is not needed.
        """
        self._drop(_Predict)
        return self._worker.submit(_Predict(prompt, preview)).id

    def suggest(self) -> int:
        """Ask for objects that stand out; the job's id. It may take seconds, and clicks wait behind it."""
        return self._worker.submit(_Suggest()).id

    def set_segmenter(self, choose: ChooseSegmenter) -> None:
        """Use another segmenter from now on."""
        self._worker.submit(_SetSegmenter(choose))

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the job in hand."""
        self._worker.stop()

    def close(self) -> None:
        """Finish the job in hand and end the thread."""
        self._worker.close()

    def _drop(self, *kinds: type) -> None:
        for ticket in self._worker.tickets:
            if isinstance(ticket.job, kinds):
                self._worker.drop(ticket)

    def _on_finished(self, ticket: Ticket[_Job], found: tuple[FoundMask, ...]) -> None:
        if isinstance(ticket.job, _Predict):
            self.predicted.emit(ticket.id, found)
        elif isinstance(ticket.job, _Suggest):
            self.suggested.emit(ticket.id, found)

    def _on_failed(self, ticket: Ticket[_Job], message: str) -> None:
        self.failed.emit(ticket.id if isinstance(ticket.job, _Predict | _Suggest) else -1, message)

    def _on_cancelled(self, ticket: Ticket[_Job]) -> None:
        if isinstance(ticket.job, _Predict | _Suggest):
            self.failed.emit(ticket.id, "")
