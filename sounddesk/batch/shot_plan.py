"""Which jobs a batch consists of, and of which of them the output folder holds the results already."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.batch.frame_masks import MaskFinder
from sounddesk.batch.frame_masks import auto_source
from sounddesk.batch.frame_source import movie_of
from sounddesk.batch.frame_source import source_name
from sounddesk.batch.jobs import BedFrame
from sounddesk.batch.jobs import BedJob
from sounddesk.batch.jobs import FrameJob
from sounddesk.batch.jobs import PlannedObject
from sounddesk.batch.jobs import RenderSettings
from sounddesk.batch.jobs import TakePlanner
from sounddesk.batch.jobs import file_stems
from sounddesk.batch.jobs import take_file
from sounddesk.batch.manifest import hash_of
from sounddesk.batch.manifest import is_intact
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.shot_masks import FrameHashes
from sounddesk.batch.shot_masks import ShotMasks
from sounddesk.batch.trackers import choose_tracking
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.frame_sequence import Frame
from sounddesk.domain.frame_sequence import holes_in
from sounddesk.domain.seeds import frame_take_seed
from sounddesk.domain.selection import Selection
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.engine.specs import MAX_BED_SECONDS
from sounddesk.engine.specs import MIN_SECONDS

# Holes, and frames without a mask, that are named one by one.
_TOLD: Final = 3


class ShotPlan:
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

    def notes(self, chosen: Sequence[Frame]) -> tuple[str, ...]:
        """What she should know of the folder before she trusts the result: holes, and frames without a mask."""
        told = []
        holes = holes_in(self._frames)
        if holes:
            numbers = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in holes[:_TOLD])
            more = f" and {len(holes) - _TOLD} more" if len(holes) > _TOLD else ""
            told.append(f"the sequence has {len(holes)} {_plural('hole', len(holes))}: {numbers}{more}")
        for name, without in self._masks.without_masks(chosen).items():
            names = ", ".join(without[:_TOLD]) + (", ..." if len(without) > _TOLD else "")
            told.append(f"{name!r} has no mask in {len(without)} of {len(chosen)} frames: {names}")
        return tuple(told)

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
        n_frames = self._frames[-1].offset + 1
        seconds = n_frames / options.frames_per_s
        if not MIN_SECONDS <= seconds <= MAX_BED_SECONDS:
            raise BadInputError(
                f"{n_frames} frames ({self._frames[0].name} to {self._frames[-1].name}) at {options.frames_per_s:g} "
                f"per second last {seconds:g} s: "
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
                [frame.name, frame.offset, self._hashes.of(frame.index), objects[place].source]
                for frame, objects in zip(chosen, planned, strict=True)
            ]
            for number in range(1, options.takes + 1):
                seed = frame_take_seed(options.seed, project=options.project, frame="", name=each.name, take=number - 1)
                inputs = [facts, followed, each.kind, each.hint, each.negative_hint, options.frames_per_s, seed]
                if options.start_timecode_s is not None:
                    inputs.append(options.start_timecode_s)
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
                        start_timecode_s=options.start_timecode_s,
                        timecode_rate=_timecode_rate(options),
                        shot=source_name(options.folder),
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
                        time_s=(frame.offset + 0.5) / self._options.frames_per_s,
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


def _timecode_rate(options: BatchOptions) -> TimecodeRate | None:
    """How the frames are counted; None where they come too slowly or too fast for timecode."""
    movie = movie_of(options.folder)
    drop_frame = movie is not None and movie.rate.drop_frame
    try:
        return TimecodeRate.of(options.frames_per_s, drop_frame=drop_frame)
    except ValueError:
        return None


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


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
