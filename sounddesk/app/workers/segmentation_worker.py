"""Clicks to masks on a thread of their own, so that a click never waits behind a generation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.app.workers.mask_change import MaskChange
from sounddesk.app.workers.mask_change import mask_change
from sounddesk.app.workers.mask_correction import MaskCorrection
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.selection import Scale
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.segmenters.choice import SegmenterChoice
    from sounddesk.engine.segmenters.protocol import Candidate
    from sounddesk.engine.segmenters.protocol import EncodedImage
    from sounddesk.engine.segmenters.protocol import Prompt

# For the window to show another image, in milliseconds.
_SETTLE_MS: Final = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundMask:
    """One candidate of the segmenter. What is asked of it is made once, on whatever thread asks first.

    Of the ways in which a click can be meant one is shown, and for that one the worker has made what is needed.

    Attributes:
        candidate: as the segmenter answered.
        scale: whether it is a part, the thing or a group, of several candidates.
        before: bool[H, W], the mask that it would change; None for one that it would make.
        correction: joins it with the mask that the clicks correct; None where they make one.
    """

    candidate: Candidate
    scale: Scale = "thing"
    before: BoolMask | None = None
    correction: MaskCorrection | None = None

    @property
    def score(self) -> float:
        """The segmenter's own estimate of the overlap with what was meant, 0 to 1."""
        return self.candidate.score

    @cached_property
    def pixels(self) -> BoolMask:
        """bool[H, W]."""
        found = self.candidate.mask
        return found if self.correction is None else self.correction.of_pixels(found)

    @cached_property
    def mask(self) -> TiledMask:
        """With soft edges, ready for the document: takes some 20 ms for a photograph of 12 megapixels."""
        height, width = self.candidate.size
        empty = TiledMask.empty(width=width, height=height)
        soft = self.candidate.soft_mask()
        made = empty if soft is None else empty.with_region(left=soft.left, top=soft.top, pixels=soft.pixels)
        return made if self.correction is None else self.correction.of_mask(made)

    @cached_property
    def change(self) -> MaskChange | None:
        """What it would change, for a preview."""
        return mask_change(self.before, self.pixels)


ChooseSegmenter = Callable[[], "SegmenterChoice"]


def choose_default_segmenter() -> SegmenterChoice:
    """SAM where a checkpoint is installed, the one that ships otherwise."""
    from sounddesk.engine.segmenters.choice import choose_segmenter

    return choose_segmenter()


@dataclass(frozen=True, eq=False)
class _SetImage:
    sha256: str | None
    pixels: RgbImage | None


@dataclass(frozen=True, eq=False)
class _SetSegmenter:
    choose: ChooseSegmenter


@dataclass(frozen=True, eq=False)
class _Predict:
    """`base`: the mask of the prompt's hint. `scale`: of several candidates, which one is shown."""

    prompt: Prompt
    base: TiledMask | None
    scale: Scale | None


@dataclass(frozen=True, eq=False)
class _Preview:
    """`before`: the mask that the click would change; None for one that it would make. `scale`: as for `_Predict`."""

    prompt: Prompt
    before: TiledMask | None
    scale: Scale | None


@dataclass(frozen=True, eq=False)
class _Pack:
    """Candidates that may be chosen next."""

    found: tuple[FoundMask, ...]


@dataclass(frozen=True, eq=False)
class _HandOut:
    pass


@dataclass(frozen=True, eq=False)
class _WarmUp:
    pass


_Job = _SetImage | _SetSegmenter | _Predict | _Preview | _Pack | _HandOut | _WarmUp


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
        self._answered: tuple[tuple[object, ...], Prompt, tuple[Candidate, ...]] | None = None
        self._before: tuple[TiledMask, BoolMask] | None = None

    def run(self, job: _Job, control: JobControl) -> object:
        match job:
            case _SetImage(sha256, pixels):
                self._sha256, self._pixels, self._encoded = sha256, pixels, None
                self._answered = self._before = None
            case _SetSegmenter(choose):
                self._choose, self._choice, self._encoded = choose, None, None
                self._answered = None
            case _Predict(prompt, base, scale):
                return self._predict(prompt, base, scale)
            case _Preview(prompt, before, scale):
                return self._preview(prompt, before, scale)
            case _Pack(found):
                self._pack(found, control)
                return None
            case _HandOut():
                encoded = self._encode()
                return self._choice, encoded
            case _WarmUp():
                self._chosen()
        if self._pixels is not None and not control.cancel.cancelled:
            self._encode()
        return None

    def _predict(self, prompt: Prompt, base: TiledMask | None, scale: Scale | None) -> tuple[FoundMask, ...]:
        found, shown = self._found(prompt, scale, base=base)
        # Not on the UI thread, and not for those that are not shown: they would keep the first one waiting.
        _ = shown.mask
        return found

    def _preview(self, prompt: Prompt, before: TiledMask | None, scale: Scale | None) -> tuple[FoundMask, ...]:
        found, shown = self._found(prompt, scale, before=None if before is None else self._unpacked(before))
        _ = shown.change
        return found

    def _found(
        self, prompt: Prompt, scale: Scale | None, *, before: BoolMask | None = None, base: TiledMask | None = None
    ) -> tuple[tuple[FoundMask, ...], FoundMask]:
        """What the segmenter answers, and which of it is shown."""
        from sounddesk.engine.segmenters.protocol import EmptySelectionError
        from sounddesk.engine.segmenters.scales import index_of_scale
        from sounddesk.engine.segmenters.scales import scales_of

        candidates, correction = self._candidates(prompt), MaskCorrection.of(prompt, base)
        scales = scales_of(candidates)
        found = tuple(
            FoundMask(candidate=each, scale=its_scale, before=before, correction=correction)
            for each, its_scale in zip(candidates, scales, strict=True)
        )
        shown = found[index_of_scale(scales, scale)]
        if correction is not None and not shown.pixels.any():
            raise EmptySelectionError("nothing of the object would be left: delete it, or remove a smaller part")
        return found, shown

    def _pack(self, found: tuple[FoundMask, ...], control: JobControl) -> None:
        for each in found:
            if control.cancel.cancelled:
                return
            _ = each.mask

    def _candidates(self, prompt: Prompt) -> tuple[Candidate, ...]:
        """The segmenter's answer; the last one again where the same is asked, as by a click on what was previewed."""
        encoded = self._encode()
        assert self._choice is not None
        key = (encoded.sha256, prompt.points, prompt.labels, prompt.box, id(prompt.mask_hint))
        if self._answered is None or self._answered[0] != key or prompt.positive_scribbles or prompt.negative_scribbles:
            # The prompt is kept too, so that no other hint gets the id of this one's.
            self._answered = (key, prompt, self._choice.segmenter.predict(encoded, prompt))
        return self._answered[2]

    def _unpacked(self, mask: TiledMask) -> BoolMask:
        if self._before is None or self._before[0] is not mask:
            self._before = (mask, mask.to_bool())
        return self._before[1]

    def _chosen(self) -> SegmenterChoice:
        if self._choice is None:
            # SAM and the starter's segmenter bring torch along.
            with gil_friendly_imports():
                self._choice = self._choose()
            self._on_notice(self._choice.notice)
            for note in self._choice.notes:
                self._on_notice(note)
        return self._choice

    def _encode(self) -> EncodedImage:
        choice = self._chosen()
        if self._pixels is None or self._sha256 is None:
            from sounddesk.engine.segmenters.protocol import PromptError

            raise PromptError("there is no image yet: open one first")
        if self._encoded is None:
            self._encoded = choice.segmenter.encode(self._pixels)
            self._on_ready(self._sha256)
        return self._encoded


class SegmentationWorker(QObject):
    """Clicks, boxes and scribbles to masks, off the UI thread.

    Signals:
        preparing(on): the image is being encoded; what is asked meanwhile is kept and answered afterwards.
        ready(sha256): the image with that hash is encoded; from now on a click is quick.
        predicted(job_id, found): answer to `predict` or `preview`, a tuple of `FoundMask`, best first.
        handed_out(job_id, choice, encoded): answer to `hand_out`: the segmenter and the image as it encoded it.
        failed(job_id, error): a job ended without one; the error is None where a newer job or another image made it
            needless, and `job_id` is -1 where the image itself could not be encoded.
        notice(text): which segmenter is active, and what else the user should know of it.
    """

    preparing = Signal(bool)
    ready = Signal(str)
    predicted = Signal(int, object)
    handed_out = Signal(int, object, object)
    failed = Signal(int, object)
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
        self._worker.failed.connect(self._on_failed)
        self._worker.cancelled.connect(self._on_cancelled)
        self._next_image: _SetImage | None = None
        self._has_image = False
        self._is_preparing = False

    @property
    def is_preparing(self) -> bool:
        """Whether the image is still being encoded."""
        return self._is_preparing

    def set_image(self, sha256: str | None, pixels: RgbImage | None, *, after_painting: bool = False) -> None:
        """Encode another image (None: there is none); answers for the old one are no longer wanted.

        `after_painting`: begin once the window has had time to show it, and an example to sound, since encoding may
        take all cores; or with the first question, so that none is answered with the old image.
        """
        self._drop(_SetImage, _Predict, _Preview, _Pack, _HandOut)
        self._next_image = _SetImage(sha256, pixels)
        self._has_image = pixels is not None
        self._set_preparing(self._has_image)
        if after_painting:
            QTimer.singleShot(_SETTLE_MS, self, self._hand_on_image)
        else:
            self._hand_on_image()

    def predict(
        self, prompt: Prompt, *, base: TiledMask | None = None, replaces: int | None = None, scale: Scale | None = None
    ) -> int:
        """Ask for the mask at `prompt`; the job's id. Previews are not answered any more.

        Predictions are answered in their order. `base`: the mask that is the prompt's hint. `replaces`: one that this
        one makes needless, as it holds that one's clicks. `scale`: which candidate is shown (None: the best).
        """
        self._hand_on_image()
        self._drop(_Preview, _Pack)
        for ticket in self._worker.tickets:
            if ticket.id == replaces:
                self._worker.drop(ticket)
        return self._worker.submit(_Predict(prompt, base, scale)).id

    def preview(self, prompt: Prompt, *, before: TiledMask | None = None, scale: Scale | None = None) -> int:
        """Ask what a click would do, to be looked at only; the job's id. Older previews are not answered any more.

        `before`: the mask that it would change. `scale`: of several candidates, which one will be shown.
        """
        self._hand_on_image()
        self._drop(_Preview, _Pack)
        return self._worker.submit(_Preview(prompt, before, scale)).id

    def hand_out(self) -> int:
        """Ask for the segmenter and the encoded image, for work on another thread; the job's id."""
        self._hand_on_image()
        return self._worker.submit(_HandOut()).id

    def set_segmenter(self, choose: ChooseSegmenter) -> None:
        """Use another segmenter from now on."""
        self._set_preparing(self._has_image)
        self._worker.submit(_SetSegmenter(choose))

    def warm_up(self) -> None:
        """Load the segmenter while there is no image yet, so that the first click is answered sooner."""
        if not self._has_image:
            self._worker.submit(_WarmUp())

    def stop(self) -> None:
        """Cancel everything. Returns at once; `close` waits for the job in hand."""
        self._worker.stop()

    def close(self) -> None:
        """Finish the job in hand and end the thread."""
        self._worker.close()

    def _hand_on_image(self) -> None:
        job, self._next_image = self._next_image, None
        if job is not None:
            self._worker.submit(job)

    def _set_preparing(self, on: bool) -> None:
        if on != self._is_preparing:
            self._is_preparing = on
            self.preparing.emit(on)

    def _drop(self, *kinds: type) -> None:
        for ticket in self._worker.tickets:
            if isinstance(ticket.job, kinds):
                self._worker.drop(ticket)

    def _on_finished(self, ticket: Ticket[_Job], found: tuple[Any, ...]) -> None:
        if isinstance(ticket.job, _Predict | _Preview):
            self.predicted.emit(ticket.id, found)
            if isinstance(ticket.job, _Predict) and len(found) > 1:
                self._worker.submit(_Pack(found))
        elif isinstance(ticket.job, _HandOut):
            self.handed_out.emit(ticket.id, *found)
        self._see_whether_prepared()

    def _on_failed(self, ticket: Ticket[_Job], error: Exception) -> None:
        if isinstance(ticket.job, _WarmUp):
            # Nobody asked: whoever does is told then.
            return
        asked = isinstance(ticket.job, _Predict | _Preview | _HandOut)
        self.failed.emit(ticket.id if asked else -1, error)
        self._see_whether_prepared()

    def _on_cancelled(self, ticket: Ticket[_Job]) -> None:
        if isinstance(ticket.job, _Predict | _Preview | _HandOut):
            self.failed.emit(ticket.id, None)
        self._see_whether_prepared()

    def _see_whether_prepared(self) -> None:
        """The image is encoded, or could not be, once no job waits that encodes it."""
        waiting = any(isinstance(ticket.job, _SetImage | _SetSegmenter) for ticket in self._worker.tickets)
        if not waiting and self._next_image is None:
            self._set_preparing(False)
