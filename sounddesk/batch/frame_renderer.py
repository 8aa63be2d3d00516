"""One worker: frames in, sounds on the disk, a row for each."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from sounddesk.batch.background_io import BackgroundWriter
from sounddesk.batch.background_io import FatalError
from sounddesk.batch.background_io import OpenedFrame
from sounddesk.batch.background_io import read_ahead
from sounddesk.batch.bed import BedError
from sounddesk.batch.bed import make_bed
from sounddesk.batch.frame_files import EMPTY_MASK_NOTE
from sounddesk.batch.frame_files import SceneOfFrame
from sounddesk.batch.frame_files import levels_of
from sounddesk.batch.frame_files import png_of
from sounddesk.batch.frame_files import stem_of
from sounddesk.batch.frame_files import thumbnail_of
from sounddesk.batch.frame_files import write_sound
from sounddesk.batch.frame_files import write_whole_frame
from sounddesk.batch.frame_masks import MaskFinder
from sounddesk.batch.jobs import BedJob
from sounddesk.batch.jobs import FrameJob
from sounddesk.batch.jobs import Job
from sounddesk.batch.jobs import ObjectJob
from sounddesk.batch.jobs import RenderSettings
from sounddesk.batch.jobs import TakeJob
from sounddesk.batch.jobs import now
from sounddesk.batch.jobs import take_file
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import mask_sha256
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest

if TYPE_CHECKING:
    from sounddesk.engine.images.image_file import LoadedImage
    from sounddesk.engine.images.scene_objects import SoundingObject

Emit = Callable[[Row], None]


class FrameRenderer:
    """Renders frames with one loaded model.

    Each take is generated alone: what it sounds like then depends neither on which others are missing nor on the
    batch's size, to the last bit. On a CPU that costs little, see
    resources/manual/decisions/0026-batch-makes-takes-alone.md.
    """

    def __init__(self, settings: RenderSettings, *, session: EngineSession | None = None) -> None:
        self._settings = settings
        self._session = session
        self._finder = MaskFinder(settings)

    def render(self, jobs: Iterable[Job], *, emit: Emit, cancel: CancelToken) -> None:
        """Render all jobs; `emit` gets a row for each take and at last one for the frame or bed, from another thread.

        Raises:
            FatalError: nothing more can be rendered.
            Cancelled: through `cancel`.
        """
        with BackgroundWriter() as writer, contextlib.closing(read_ahead(jobs, cancel)) as items:
            for item in items:
                if isinstance(item, BedJob):
                    self._render_bed(item, emit=emit, writer=writer, cancel=cancel)
                else:
                    self._render_frame(item, emit=emit, writer=writer, cancel=cancel)
                writer.raise_if_failed()

    def close(self) -> None:
        """Free the model."""
        if self._session is not None:
            self._session.unload()

    def _render_frame(self, frame: OpenedFrame, *, emit: Emit, writer: BackgroundWriter, cancel: CancelToken) -> None:
        job = frame.job
        try:
            if frame.image is None:
                raise EngineError(frame.error or "the image cannot be read")
            if frame.image.sha256 != job.image_sha256:
                raise EngineError(f"{job.path} has changed while the batch ran: run it again with --resume")
            start = time.monotonic()
            scene, absent = self._scene(job, frame.image)
            frame.seconds["masks"] = time.monotonic() - start
        except (EngineError, ValueError) as error:
            message = str(error)
            writer.put(lambda: self._emit_failed_frame(job, message, emit))
            return
        for each in absent:
            for take in each.takes:
                why = EMPTY_MASK_NOTE if each.name in scene.empty else "not in this frame"
                row = self._row(job, each, take, status="absent", notes=(why,))
                writer.put(functools.partial(emit, row))
        for each, sounding in scene.objects:
            for take in each.takes:
                done = job.done.get((each.name, take.number))
                if done is not None:
                    frame.stems[each.name, take.number] = done
                    continue
                self._render_take(frame, each, sounding, take, emit=emit, writer=writer, cancel=cancel)
        writer.put(lambda: self._finish(frame, scene, emit))

    def _render_bed(self, job: BedJob, *, emit: Emit, writer: BackgroundWriter, cancel: CancelToken) -> None:
        session = self._opened(cancel)
        try:
            write = make_bed(job, self._settings, session=session, finder=self._finder, cancel=cancel)
        except BedError as error:
            row = job.failed_row(str(error))
            writer.put(lambda: emit(row))
            return
        writer.put(lambda: emit(write()))

    def _render_take(
        self,
        frame: OpenedFrame,
        each: ObjectJob,
        sounding: SoundingObject,
        take: TakeJob,
        *,
        emit: Emit,
        writer: BackgroundWriter,
        cancel: CancelToken,
    ) -> None:
        assert frame.image is not None
        start = time.monotonic()
        session = self._opened(cancel)
        loaded = time.monotonic()
        request = GenerationRequest(
            image=frame.image.pixels,
            takes=(
                ObjectRequest(
                    name=each.name,
                    mask=sounding.probability,
                    seed=take.seed,
                    prompt=each.planned.hint,
                    negative_prompt=each.planned.negative_hint,
                    kind=sounding.kind,
                ),
            ),
            seconds=self._settings.seconds,
            sampling=self._settings.sampling,
            grounding=self._settings.grounding,
        )
        try:
            made = session.generate(request, cancel=cancel)[0]
        except (EngineError, ValueError) as error:
            row = self._row(frame.job, each, take, status="failed", error=str(error))
            frame.failed.append(f"{each.name}: {error}")
            writer.put(lambda: emit(row))
            return
        timings = {**frame.seconds, "load": loaded - start, "generate": time.monotonic() - loaded}
        writer.put(lambda: self._write_take(frame, each, sounding, take, made, timings, emit))

    def _write_take(
        self,
        frame: OpenedFrame,
        each: ObjectJob,
        sounding: SoundingObject,
        take: TakeJob,
        made: GeneratedTake,
        timings: Mapping[str, float],
        emit: Emit,
    ) -> None:
        start = time.monotonic()
        stem = stem_of(made, seconds=self._settings.seconds)
        name = f"{frame.job.output}/{take_file(each.file_stem, take.number)}"
        sha256 = write_sound(self._settings.out, name, stem.samples)
        levels = levels_of(stem.samples)
        notes = made.notes
        if stem.gain_db:
            notes = (*notes, f"{-stem.gain_db:g} dB lower than generated, so that it does not clip")
        frame.stems[each.name, take.number] = name
        if self._settings.grounding != "object":
            frame.words[each.name] = str(made.recipe["prompt"])
        emit(
            self._row(
                frame.job,
                each,
                take,
                status="done",
                mask_sha256=mask_sha256(sounding.coverage),
                files={name: sha256},
                notes=notes,
                levels=levels,
                timings_s=_rounded({**timings, "write": time.monotonic() - start}),
            )
        )

    def _finish(self, frame: OpenedFrame, scene: SceneOfFrame, emit: Emit) -> None:
        job = frame.job
        if frame.failed:
            emit(job.row(status="failed", error="; ".join(frame.failed)))
            return
        start = time.monotonic()
        files, levels, notes = write_whole_frame(job, scene, self._settings, stems=frame.stems, words=frame.words)
        assert frame.image is not None
        emit(
            job.row(
                status="done",
                files=files,
                levels=levels,
                notes=(*frame.image.notes, *scene.notes, *notes),
                objects=tuple(each.name for each, _ in scene.objects),
                timings_s=_rounded({**frame.seconds, "write": time.monotonic() - start}),
            )
        )

    def _scene(self, job: FrameJob, image: LoadedImage) -> tuple[SceneOfFrame, tuple[ObjectJob, ...]]:
        """What sounds in the frame, and which of the named objects are absent from it."""
        found = self._finder.find(job, image.pixels, image_name=image.name, orientation=image.orientation)
        objects = job.planner.plan(found.planned, frame=job.frame, image_sha256=job.image_sha256)
        by_name = {each.name: each for each in found.objects}
        present = tuple((each, by_name[each.name]) for each in objects if each.name in by_name)
        from sounddesk.engine.images.movie_file import is_movie

        scene = SceneOfFrame(
            width=image.width,
            height=image.height,
            objects=present,
            thumbnail=thumbnail_of(image.pixels, found.objects),
            still=png_of(image.pixels) if is_movie(job.path.parent) else None,
            segmenter=found.segmenter,
            notes=found.notes,
            empty=found.empty,
        )
        return scene, tuple(each for each in objects if each.name not in by_name)

    def _opened(self, cancel: CancelToken) -> EngineSession:
        """The session with its networks loaded; at the first take only, so that a finished batch loads nothing."""
        try:
            if self._session is None:
                self._session = EngineSession.open(bundle=self._settings.bundle, device=self._settings.device)
            if not self._session.is_loaded:
                from sounddesk.engine.device import use_cpu_threads

                use_cpu_threads(self._settings.cpu_threads)
                self._session.load(cancel=cancel)
        except EngineError as error:
            raise FatalError(str(error)) from error
        return self._session

    def _emit_failed_frame(self, job: FrameJob, message: str, emit: Emit) -> None:
        objects = job.planner.plan(job.objects, frame=job.frame, image_sha256=job.image_sha256)
        for each in objects:
            for take in each.takes:
                emit(self._row(job, each, take, status="failed", error=message))
        emit(job.failed_row(message))

    def _row(self, job: FrameJob, each: ObjectJob, take: TakeJob, **values: Any) -> Row:
        return Row(
            frame=job.frame,
            object=each.name,
            kind=each.planned.kind,
            take=take.number,
            input_sha256=take.input_sha256,
            seed=take.seed,
            settings={**self._settings.facts(), "hint": each.planned.hint},
            image_sha256=job.image_sha256,
            finished=now(),
            **values,
        )


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
