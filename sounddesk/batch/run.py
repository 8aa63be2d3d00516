"""A batch from its options to the finished folder: what is missing is planned, rendered and written down."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sounddesk.batch.executors.protocol import Executor
from sounddesk.batch.frame_masks import MaskFinder
from sounddesk.batch.frame_masks import auto_source
from sounddesk.batch.jobs import BedFrame
from sounddesk.batch.jobs import BedJob
from sounddesk.batch.jobs import FrameJob
from sounddesk.batch.jobs import Job
from sounddesk.batch.jobs import PlannedObject
from sounddesk.batch.jobs import RenderSettings
from sounddesk.batch.jobs import TakePlanner
from sounddesk.batch.jobs import file_stems
from sounddesk.batch.jobs import take_file
from sounddesk.batch.manifest import ManifestWriter
from sounddesk.batch.manifest import hash_of
from sounddesk.batch.manifest import is_intact
from sounddesk.batch.manifest import manifest_name
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.output import opened_output
from sounddesk.batch.shot_masks import FrameHashes
from sounddesk.batch.shot_masks import ShotMasks
from sounddesk.batch.summary_page import write_summary
from sounddesk.batch.trackers import choose_tracking
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.frame_sequence import Frame
from sounddesk.domain.frame_sequence import every_nth
from sounddesk.domain.frame_sequence import find_frames
from sounddesk.domain.seeds import frame_take_seed
from sounddesk.domain.selection import Selection
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.specs import MAX_BED_SECONDS
from sounddesk.engine.specs import MIN_SECONDS
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import Progress
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.batch_rows import read_rows


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """How a batch ended.

    Attributes:
        unit: what is counted, 'frames' or 'beds'.
        frames: how many there are in this shard.
        rendered: how many this run had to render, wholly or in part; `complete` were there already.
        failed_frames: of those rendered, how many lack something.
        failures: (what, why) for each frame or sound that could not be rendered.
        page: the summary.
    """

    out: Path
    unit: str
    frames: int
    rendered: int
    failed_frames: int
    complete: int
    sounds: int
    failures: tuple[tuple[str, str], ...]
    page: Path
    elapsed_s: float

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": not self.failures,
            "folder": str(self.out),
            "unit": self.unit,
            "frames": self.frames,
            "rendered": self.rendered,
            "failed_frames": self.failed_frames,
            "complete": self.complete,
            "sounds": self.sounds,
            "failures": [{"what": what, "error": why} for what, why in self.failures],
            "page": str(self.page),
            "elapsed_s": round(self.elapsed_s, 2),
        }


def run_batch(
    options: BatchOptions,
    *,
    on_progress: OnProgress,
    cancel: CancelToken,
    on_row: Callable[[Row], None] | None = None,
    executor: Executor | None = None,
) -> BatchResult:
    """Render what is missing of a batch.

    Args:
        on_progress: stage 'render', counted in frames.
        on_row: hears of every row right after it was written down.
        executor: who renders; by default what the options name.

    Raises:
        BadInputError: something given cannot be used.
        OutputError: the output folder cannot be written, or another run is writing there.
        FatalError, EngineError: nothing more can be rendered.
        Cancelled: through `cancel`; what was rendered stays, and `resume` goes on from there.
    """
    start_s = time.monotonic()
    every = find_frames(options.folder)
    chosen = every_nth(every, options.every)
    if options.bed and options.auto:
        raise BadInputError("--bed follows named objects through the shot, and --auto names them anew in each frame")
    frames = tuple(frame for position, frame in enumerate(chosen) if options.shard.holds(position))
    settings = render_settings(options)
    shot = _Shot(options, settings, every)
    outputs = [frame.output for frame in frames]
    beds = shot.beds(chosen) if options.bed else ()
    count = len(beds) if options.bed else len(frames)
    with opened_output(options.out, shard=options.shard, resume=options.resume, settings=shot.facts(), outputs=outputs):
        with translate_os_errors(options.out, what="cannot read"):
            rows = read_rows(options.out)
        made: list[Row] = []
        with ManifestWriter(options.out / manifest_name(options.shard)) as manifest:
            progress = _Progress(count, on_progress)

            def note(row: Row) -> None:
                manifest.append(row)
                made.append(row)
                if _ends_a_job(row):
                    progress.step()
                if on_row is not None:
                    on_row(row)

            jobs: Iterator[Job] = (
                shot.missing_beds(beds, chosen, rows, on_complete=progress.step)
                if options.bed
                else shot.missing(frames, rows, on_complete=progress.step)
            )
            (executor or choose_executor(options, settings)).run(jobs, on_row=note, cancel=cancel)
        page = write_summary(options.out, title=options.folder.resolve().name)
    newest = newest_rows(made)
    failures = [
        (": ".join(part for part in (row.frame, row.object) if part), row.error or "")
        for row in newest.values()
        if row.status == "failed" and not (row.object and _frame_failed(newest, row))
    ]
    rendered = sum(_ends_a_job(row) for row in newest.values())
    return BatchResult(
        out=options.out,
        unit="beds" if options.bed else "frames",
        frames=count,
        rendered=rendered,
        failed_frames=sum(_ends_a_job(row) and row.status == "failed" for row in newest.values()),
        complete=count - rendered,
        sounds=sum(bool(row.object) and row.status == "done" for row in newest.values()),
        failures=tuple(failures),
        page=page,
        elapsed_s=time.monotonic() - start_s,
    )


def render_settings(options: BatchOptions) -> RenderSettings:
    """What holds for every frame. Raises: BadInputError for a bundle that cannot be found."""
    try:
        bundle = find_bundle(options.bundle)
    except EngineError as error:
        raise BadInputError(str(error)) from error
    folder = bundle.folder.resolve()
    return RenderSettings(
        bundle=folder,
        bundle_sha256=bundle.sha256,
        bundle_reference=str(folder) if Path(options.bundle).resolve() == folder else options.bundle,
        device=options.device,
        sam=options.sam,
        seconds=options.seconds,
        sampling=options.sampling,
        out=options.out.resolve(),
    )


def choose_executor(options: BatchOptions, settings: RenderSettings) -> Executor:
    """Ray where it is asked for, else this process for one worker and a pool for more."""
    if options.executor == "ray":
        from sounddesk.batch.executors.ray import RayExecutor

        return RayExecutor(settings, workers=options.workers)
    if options.workers == 1:
        from sounddesk.batch.executors.inline import InlineExecutor

        return InlineExecutor(settings)
    from sounddesk.batch.executors.local import LocalExecutor

    return LocalExecutor(settings, workers=options.workers)


class _Shot:
    """Plans jobs, and tells which of them the folder has the results of already."""

    def __init__(self, options: BatchOptions, settings: RenderSettings, frames: Sequence[Frame]) -> None:
        self._options = options
        self._settings = settings
        self._frames = frames
        self._hashes = FrameHashes(frames)
        self._masks = ShotMasks(options, settings, frames, self._hashes)
        self._auto = MaskFinder(settings).segmenter.segmenter.name if options.auto else None
        self._planner = TakePlanner(
            settings_sha256=hash_of(settings.facts()), project=options.project, seed=options.seed, takes=options.takes
        )

    def facts(self) -> dict[str, Any]:
        """What the shards of one batch must agree on."""
        options = self._options
        return {
            **self._settings.facts(),
            "folder": options.folder.resolve().name,
            "project": options.project,
            "seed": options.seed,
            "takes": options.takes,
            "every": options.every,
            "follow": choose_tracking(options.follow).name if options.follow == "auto" else options.follow,
            "auto": options.auto,
            "objects": [each.name for each in options.objects],
            "blend": options.blend,
            "ambience": options.ambience,
            "bed": options.bed,
            "frames_per_s": options.frames_per_s if options.bed else None,
        }

    def missing(
        self, frames: Sequence[Frame], rows: Sequence[Row], *, on_complete: Callable[[], None]
    ) -> Iterator[FrameJob]:
        """The frames of which something is missing, in order; `on_complete` is called for each of the others."""
        of_frame: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            of_frame[row.frame].append(row)
        for frame in frames:
            job = self._job(frame)
            found = _Found(job, of_frame[frame.name], out=self._settings.out)
            if found.is_complete:
                on_complete()
                continue
            objects = job.objects if job.image_sha256 == "" else self._masks.with_masks(frame)
            yield dataclasses.replace(job, objects=objects, done=found.done)

    def beds(self, chosen: Sequence[Frame]) -> tuple[BedJob, ...]:
        """The beds of this shard, without their frames. Raises: BadInputError for a length that cannot be made."""
        options = self._options
        seconds = len(self._frames) / options.frames_per_s
        if not MIN_SECONDS <= seconds <= MAX_BED_SECONDS:
            raise BadInputError(
                f"{len(self._frames)} frames at {options.frames_per_s:g} per second last {seconds:g} s: "
                f"a bed lasts {MIN_SECONDS:g} s to {MAX_BED_SECONDS:g} s, choose another --fps"
            )
        planned = [self._masks.planned(frame) for frame in chosen]
        stems = file_stems(planned[0])
        facts = {**self._settings.facts(), "seconds": seconds}
        jobs = []
        for place, each in enumerate(planned[0]):
            if not options.shard.holds(place):
                continue
            # Everything that the bed follows: the object's source in each frame, and the frame itself.
            followed = [
                [frame.name, frame.index, self._hashes.of(frame.index), objects[place].source]
                for frame, objects in zip(chosen, planned, strict=True)
            ]
            for number in range(1, options.takes + 1):
                seed = frame_take_seed(options.seed, project=options.project, frame="", name=each.name, take=number - 1)
                inputs = [facts, followed, each.kind, each.hint, each.negative_hint, options.frames_per_s, seed]
                jobs.append(
                    BedJob(
                        name=each.name,
                        kind=each.kind,
                        hint=each.hint,
                        file=take_file(stems[each.name], number),
                        take=number,
                        seed=seed,
                        seconds=seconds,
                        input_sha256=hash_of(inputs),
                    )
                )
        return tuple(jobs)

    def missing_beds(
        self, beds: Sequence[BedJob], chosen: Sequence[Frame], rows: Sequence[Row], *, on_complete: Callable[[], None]
    ) -> Iterator[BedJob]:
        """The beds that have to be made; `on_complete` is called for each of the others."""
        frames: tuple[BedFrame, ...] = ()
        for job in beds:
            same = [row for row in rows if job.is_ended_by(row) and row.input_sha256 == job.input_sha256]
            if any(row.status == "done" and is_intact(row, self._settings.out) for row in same):
                on_complete()
                continue
            if not frames:
                frames = tuple(
                    BedFrame(
                        frame=frame.name,
                        path=frame.path.resolve(),
                        # The middle of the time that the frame is shown.
                        time_s=(frame.index + 0.5) / self._options.frames_per_s,
                        objects=self._masks.with_masks(frame),
                    )
                    for frame in chosen
                )
            yield dataclasses.replace(job, frames=frames)

    def _job(self, frame: Frame) -> FrameJob:
        """The job of a frame, its masks still missing."""
        sha256 = self._hashes.of(frame.index)
        return FrameJob(
            frame=frame.name,
            path=frame.path.resolve(),
            output=frame.output,
            # A file that cannot be read has no hash; the worker tells why.
            image_sha256=sha256 or "",
            planner=self._planner,
            objects=() if self._auto is not None else self._masks.planned(frame),
            auto=self._auto,
            blend=self._options.blend,
            ambience=self._options.ambience,
        )


class _Found:
    """What an output folder holds of a frame that is still what the job asks for."""

    def __init__(self, job: FrameJob, rows: Sequence[Row], *, out: Path) -> None:
        expected = job.input_sha256
        whole = next(
            (
                row
                for row in reversed(rows)
                if not row.object and row.status == "done" and row.input_sha256 == expected and is_intact(row, out)
            ),
            None,
        )
        self.done: dict[tuple[str, int], str] = {}
        absent: set[tuple[str, int]] = set()
        wanted: set[tuple[str, int]] = set()
        for each in _expected_objects(job, rows):
            for number in range(1, job.planner.takes + 1):
                key = each.name, number
                take = job.planner.take(each, frame=job.frame, image_sha256=job.image_sha256, number=number)
                same = [row for row in rows if row.key == (job.frame, *key) and row.input_sha256 == take.input_sha256]
                kept = next((row for row in reversed(same) if row.status == "done" and is_intact(row, out)), None)
                if kept is not None and kept.file is not None:
                    self.done[key] = kept.file
                elif any(row.status == "absent" for row in same):
                    absent.add(key)
                if job.auto is None or (whole is not None and each.name in whole.objects):
                    wanted.add(key)
        self.is_complete = whole is not None and wanted <= (set(self.done) | absent)


def _expected_objects(job: FrameJob, rows: Sequence[Row]) -> tuple[PlannedObject, ...]:
    """The job's objects; where they are proposed, those that a run has proposed before."""
    if job.auto is None:
        return job.objects
    kinds: dict[str, Any] = {row.object: row.kind for row in rows if row.object}
    return tuple(
        PlannedObject(name=name, kind=kind, selection=Selection(how="whole"), source=auto_source(job, name))
        for name, kind in kinds.items()
    )


class _Progress:
    """Counts frames; steps come from the thread that reads jobs and from the one that writes rows."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total = total
        self._on_progress = on_progress
        self._done = 0
        self._start_s = time.monotonic()
        self._report()

    def step(self) -> None:
        self._done += 1
        self._report()

    def _report(self) -> None:
        elapsed_s = time.monotonic() - self._start_s
        self._on_progress(Progress(stage="render", done=self._done, total=self._total, elapsed_s=elapsed_s))


def _ends_a_job(row: Row) -> bool:
    return not row.frame or not row.object


def _frame_failed(rows: dict[Any, Row], row: Row) -> bool:
    """Whether the frame's own row tells of the failure already."""
    whole = rows.get((row.frame, "", 0))
    return whole is not None and whole.status == "failed"
