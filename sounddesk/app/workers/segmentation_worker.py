"""The lane that turns clicks into masks: one worker on one thread, so that a click never waits behind a generation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Final

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtCore import Slot

from sounddesk.app.project.document import RgbImage
from sounddesk.app.runtime.heavy_imports import friendly_to_the_ui
from sounddesk.app.runtime.thread_priority import LaneThread
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import FloatMask

if TYPE_CHECKING:
    from sounddesk.engine.segmenters.choice import SegmenterChoice
    from sounddesk.engine.segmenters.protocol import EncodedImage
    from sounddesk.engine.segmenters.protocol import Prompt

_log = logging.getLogger(__name__)

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


class _Worker(QObject):
    """Lives on the lane's thread. Holds the segmenter and the encoded image."""

    ready = Signal(str)
    predicted = Signal(int, object)
    suggested = Signal(int, object)
    failed = Signal(int, str)
    notice = Signal(str)

    def __init__(self, choose: ChooseSegmenter, is_current: Callable[[int], bool]) -> None:
        super().__init__()
        self._choose = choose
        self._is_current = is_current
        self._choice: SegmenterChoice | None = None
        self._encoded: EncodedImage | None = None
        self._sha256: str | None = None
        self._pixels: RgbImage | None = None

    @Slot(object, object)
    def set_image(self, sha256: str | None, pixels: RgbImage | None) -> None:
        self._sha256, self._pixels, self._encoded = sha256, pixels, None
        if pixels is not None:
            self._guarded(-1, self._encode)

    @Slot(int, object, bool)
    def predict(self, job_id: int, prompt: Prompt, preview: bool) -> None:
        if self._is_current(job_id):
            self._guarded(job_id, lambda: self.predicted.emit(job_id, self._predict(prompt, preview=preview)))
        else:
            self.failed.emit(job_id, "")

    @Slot(int)
    def suggest(self, job_id: int) -> None:
        self._guarded(job_id, lambda: self.suggested.emit(job_id, self._suggest()))

    @Slot(object)
    def set_segmenter(self, choose: ChooseSegmenter) -> None:
        self._choose, self._choice, self._encoded = choose, None, None
        if self._pixels is not None:
            self._guarded(-1, self._encode)

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
        found = propose_objects(self._pixels, segmenter=self._choice.segmenter, limit=MAX_SUGGESTIONS)
        return tuple(FoundMask(pixels=each.mask, mask=kept_mask(each.probability), score=each.score) for each in found)

    def _encode(self) -> EncodedImage:
        if self._choice is None:
            # SAM and the starter's segmenter bring torch along.
            with friendly_to_the_ui():
                self._choice = self._choose()
            self.notice.emit(self._choice.notice)
            for note in self._choice.notes:
                self.notice.emit(note)
        if self._pixels is None or self._sha256 is None:
            from sounddesk.engine.segmenters.protocol import PromptError

            raise PromptError("there is no image yet: open one first")
        if self._encoded is None:
            self._encoded = self._choice.segmenter.encode(self._pixels)
            self.ready.emit(self._sha256)
        return self._encoded

    def _guarded(self, job_id: int, work: Callable[[], object]) -> None:
        from sounddesk.domain.errors import EngineError

        try:
            work()
        except (EngineError, ValueError) as error:
            self.failed.emit(job_id, str(error))
        except Exception:  # noqa: BLE001  # every failure is shown, none ends the lane (design 5)
            _log.exception("segmenting failed")
            self.failed.emit(job_id, "the selection failed unexpectedly; the log has the details (Help > Log)")


class SegmentLane(QObject):
    """Clicks, boxes and scribbles to masks, off the UI thread.

    Signals:
        ready(sha256): the image with that hash is encoded; from now on a click is quick.
        predicted(job_id, found): answer to `predict`, a tuple of `FoundMask`, best first.
        suggested(job_id, found): answer to `suggest`, likewise.
        failed(job_id, message): a job ended without one; the message is empty where a newer job made it needless,
            and `job_id` is -1 where the image itself could not be encoded.
        notice(text): which segmenter is active, and what else the user should know of it.
    """

    ready = Signal(str)
    predicted = Signal(int, object)
    suggested = Signal(int, object)
    failed = Signal(int, str)
    notice = Signal(str)

    _suggest = Signal(int)
    _set_image = Signal(object, object)
    _predict = Signal(int, object, bool)
    _set_segmenter = Signal(object)

    def __init__(self, parent: QObject | None = None, *, choose: ChooseSegmenter = choose_default_segmenter) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._last_job = 0
        self._wanted: set[int] = set()
        self._thread = LaneThread(self)
        self._thread.setObjectName("segment")
        self._worker = _Worker(choose, self._is_current)
        self._worker.moveToThread(self._thread)
        queued = Qt.ConnectionType.QueuedConnection
        self._set_image.connect(self._worker.set_image, queued)
        self._predict.connect(self._worker.predict, queued)
        self._set_segmenter.connect(self._worker.set_segmenter, queued)
        self._suggest.connect(self._worker.suggest, queued)
        for name in ("ready", "predicted", "suggested", "failed", "notice"):
            getattr(self._worker, name).connect(getattr(self, name), queued)
        self._thread.finished.connect(self._worker.deleteLater)
        self._thread.start()

    def set_image(self, sha256: str | None, pixels: RgbImage | None) -> None:
        """Encode another image (None: there is none); answers for the old one are no longer wanted."""
        with self._lock:
            self._wanted.clear()
        self._set_image.emit(sha256, pixels)

    def predict(self, prompt: Prompt, *, preview: bool = False) -> int:
        """Ask for the mask at `prompt`; the job's id. Predictions that have not begun yet are dropped.

        `preview`: only to be looked at, so `FoundMask.mask` is not needed.
        """
        with self._lock:
            self._last_job += 1
            job_id = self._last_job
            self._wanted = {job_id}
        self._predict.emit(job_id, prompt, preview)
        return job_id

    def suggest(self) -> int:
        """Ask for objects that stand out; the job's id. It may take seconds, and clicks wait behind it."""
        with self._lock:
            self._last_job += 1
            job_id = self._last_job
        self._suggest.emit(job_id)
        return job_id

    def set_segmenter(self, choose: ChooseSegmenter) -> None:
        """Use another segmenter from now on."""
        self._set_segmenter.emit(choose)

    def close(self) -> None:
        """Finish the job in hand and end the thread."""
        with self._lock:
            self._wanted.clear()
        self._thread.quit()
        self._thread.wait()

    def _is_current(self, job_id: int) -> bool:
        with self._lock:
            return job_id in self._wanted
