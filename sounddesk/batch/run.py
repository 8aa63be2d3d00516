"""A batch from its options to the finished folder: what is missing is planned, rendered and written down."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.batch.executors.protocol import Executor
from sounddesk.batch.frame_files import EMPTY_MASK_NOTE
from sounddesk.batch.frame_source import frames_of
from sounddesk.batch.frame_source import source_name
from sounddesk.batch.frame_source import source_notes
from sounddesk.batch.jobs import Job
from sounddesk.batch.jobs import RenderSettings
from sounddesk.batch.manifest import ManifestWriter
from sounddesk.batch.manifest import manifest_name
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.output import opened_output
from sounddesk.batch.shot_plan import ShotPlan
from sounddesk.batch.summary_page import write_summary
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.frame_sequence import every_nth
from sounddesk.engine.bundles.bundle_reference import recorded_name
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import Progress
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.batch_rows import read_rows

# Frames that are named one by one.
_TOLD: Final = 3


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
        notes: what was left out or lacking in the frames, a sentence each.
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
    notes: tuple[str, ...] = ()

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
            "notes": list(self.notes),
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
    every = frames_of(options.folder)
    chosen = every_nth(every, options.every)
    if options.bed and options.auto:
        raise BadInputError("--bed follows named objects through the shot, and --auto names them anew in each frame")
    if options.bed and options.grounding != "object":
        raise BadInputError("a bed follows what the frames show: leave out --grounding, or --bed")
    frames = tuple(frame for position, frame in enumerate(chosen) if options.shard.holds(position))
    settings = render_settings(options)
    shot = ShotPlan(options, settings, every)
    notes = (*source_notes(options.folder), *shot.notes(chosen))
    outputs = [frame.output for frame in frames]
    beds = shot.beds(chosen) if options.bed else ()
    count = len(beds) if options.bed else len(frames)
    with opened_output(
        options.out, shard=options.shard, resume=options.resume, settings=shot.facts(), outputs=outputs
    ) as output:
        with translate_os_errors(options.out, what="cannot read"):
            rows = read_rows(options.out)
        made: list[Row] = []
        with ManifestWriter(options.out / manifest_name(options.shard)) as manifest:
            progress = _Progress(count, on_progress)

            def note(row: Row) -> None:
                # Its file may have been moved along with the folder, and would still take rows there.
                output.check()
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
        output.check()
        page = write_summary(options.out, title=source_name(options.folder))
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
        notes=(*notes, *_notes_on_empty_masks(newest.values())),
    )


def _notes_on_empty_masks(rows: Iterable[Row]) -> tuple[str, ...]:
    """In how many frames an object has a mask without a pixel: often as meant, sometimes a mask file of nothing."""
    frames: dict[str, list[str]] = {}
    for row in rows:
        if row.status == "absent" and row.take == 1 and EMPTY_MASK_NOTE in row.notes:
            frames.setdefault(row.object, []).append(row.frame)
    return tuple(
        f"the mask of {name!r} is empty in {len(those)} {'frame' if len(those) == 1 else 'frames'}: "
        + ", ".join(those[:_TOLD])
        + (", ..." if len(those) > _TOLD else "")
        for name, those in frames.items()
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
        bundle_name=recorded_name(bundle, asked_for=options.bundle),
        device=options.device,
        sam=options.sam,
        seconds=options.seconds,
        sampling=options.sampling,
        out=options.out.resolve(),
        grounding=options.grounding,
        library=options.library,
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
