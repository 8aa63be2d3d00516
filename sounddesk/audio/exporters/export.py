"""Runs an export atomically: all files or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from collections.abc import Mapping
from concurrent.futures import Executor
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.exchange.exchange_model import in_the_sound
from sounddesk.audio.exporters.audio_file_writer import AudioFileWriter
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import PlannedFile
from sounddesk.audio.exporters.file_metadata import loop_of_clip
from sounddesk.audio.exporters.file_metadata import metadata_of
from sounddesk.audio.exporters.lone_sound import lone_sound
from sounddesk.audio.exporters.project_files import ExportSource
from sounddesk.audio.exporters.project_files import require_packages
from sounddesk.audio.exporters.project_files import write_project_files
from sounddesk.audio.exporters.provenance import sidecar_text
from sounddesk.audio.exporters.provenance import take_facts
from sounddesk.audio.exporters.provenance import takes_of
from sounddesk.audio.exporters.resampling_reader import ReadSound
from sounddesk.audio.exporters.resampling_reader import ResamplingReader
from sounddesk.audio.exporters.resampling_reader import channels_of
from sounddesk.audio.exporters.resampling_reader import file_channels
from sounddesk.audio.exporters.resampling_reader import gains_of_mono
from sounddesk.audio.exporters.stem_renderer import BLOCK_FRAMES
from sounddesk.audio.exporters.stem_renderer import LaneOutput
from sounddesk.audio.exporters.stem_renderer import StemRenderer
from sounddesk.audio.files.sample_format import SampleFormat
from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.mixing import db_to_linear
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.timeline_mix import REVERB
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.output_folder import OutputFolder
from sounddesk.storage.output_folder import Taken

# More threads than this only wait for the disk.
_MOST_THREADS: Final = 8


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written.

    Attributes:
        folder: where.
        files: every entry, in the order of the plan.
        written: every single file, also those in the folder of raw takes.
        clipped_samples: cut off at full scale, by file; empty is what one wants.
        readings: loudness by file.
        gain_db: applied by normalising, by file.
        notes: what the user should know.
    """

    folder: Path
    files: tuple[Path, ...]
    written: tuple[Path, ...] = ()
    clipped_samples: Mapping[str, int] = field(default_factory=dict)
    readings: Mapping[str, LoudnessReading] = field(default_factory=dict)
    gain_db: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def export_project(
    project: Project,
    takes: TakeLibrary,
    samples_of: Callable[[str], Sound | None],
    plan: ExportPlan,
    folder: Path,
    *,
    licences: Mapping[str, str],
    replace: bool = False,
    may_replace: Callable[[Path], bool] = lambda _path: True,
    step: Callable[[int, int], None] = lambda _done, _total: None,
) -> ExportReport:
    """Write what `plan` says into `folder`.

    Args:
        samples_of: a take's samples at 48 kHz; None leaves its clips silent.
        folder: made where it is missing.
        licences: of the weights, by bundle name.
        replace: files of the same names are replaced; otherwise they are a reason to refuse.
        may_replace: which of them may be replaced; any other is a reason to refuse.
        step: called with (done, total) between blocks; what it raises cancels the export.

    Raises:
        OutputError: a file exists already, or cannot be written (DiskFullError: no room). Nothing new remains.
        MissingPackageError: a project file is asked for whose package (OpenTimelineIO, pyaaf2) is not installed.

    Example:
        One object with a take on the timeline becomes a stem, the mix and a sidecar with their provenance:

        >>> import tempfile
        >>> from sounddesk.audio.exporters.export_plan import plan_export
        >>> from sounddesk.audio.exporters.export_settings import ExportSettings
        >>> from sounddesk.audio.timeline_mix import TakeSamples
        >>> from sounddesk.domain.scene import SceneObject
        >>> from sounddesk.domain.take import Take
        >>> from sounddesk.domain.tiled_mask import TiledMask
        >>> from sounddesk.domain.timeline import Clip
        >>> bark = np.sin(np.arange(16_000) / 9).astype(np.float32)
        >>> take = Take(
        ...     id="t", object_id="o", number=1, seed=7, waveform=bark, sample_rate_hz=16_000, recipe={}, created=""
        ... )
        >>> takes = TakeLibrary([take])
        >>> project = Project(
        ...     objects=(SceneObject(id="o", name="dog", mask=TiledMask.empty(width=4, height=3), seed=7),),
        ...     clips=(Clip(id="c", object_id="o", take_id="t", start_s=0.0, duration_s=1.0),),
        ... )
        >>> plan = plan_export(project, takes, ExportSettings(range_s=(0.0, 1.0)), name="street")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = export_project(project, takes, TakeSamples(takes), plan, Path(folder) / "out", licences={})
        >>> [path.name for path in report.files]
        ['street_dog.wav', 'street_mix.wav', 'street_export.json']
    """
    require_packages(plan)
    taken: Taken = "replace" if replace else "refuse"
    with (
        translate_os_errors(folder, what="cannot write into"),
        OutputFolder(folder, needed_bytes=plan.needed_bytes, taken=taken, may_replace=may_replace) as output,
        ThreadPoolExecutor(max_workers=max(2, min(_MOST_THREADS, os.cpu_count() or 2))) as executor,
    ):
        output.refuse_taken(plan.names)
        source = ExportSource(project=project, takes=takes, samples_of=samples_of, licences=licences)
        run = _Run(source, plan, output.staging, step=step, executor=executor)
        with contextlib.closing(run):
            run.render()
        if plan.sidecar:
            text = sidecar_text(plan, project, takes, licences=licences, readings=run.readings, gain_db=run.gain_db)
            output.write(plan.sidecar, text.encode())
        write_project_files(source, plan, output.staging, between=lambda: step(run.total, run.total))
        if plan.exchange and (found := in_the_sound(project)):
            run.notes.append(f"project files have in their sound, not to be edited there: {'; '.join(found)}")
        names = output.staged_files()
        place = output.commit()
    return ExportReport(
        folder=place,
        files=tuple(place / name for name in plan.names),
        written=tuple(place / name for name in names),
        clipped_samples=run.clipped,
        readings=run.readings,
        gain_db=run.gain_db,
        notes=tuple(run.notes),
    )


class _Run:
    """The rendering of one export into its staging folder."""

    def __init__(
        self,
        source: ExportSource,
        plan: ExportPlan,
        staging: Path,
        *,
        step: Callable[[int, int], None],
        executor: Executor,
    ) -> None:
        self._project = source.project
        self._takes = source.takes
        self._samples_of = source.samples_of
        self._plan = plan
        self._staging = staging
        self._licences = source.licences
        self._step = step
        self._executor = executor
        self._writers: dict[str, AudioFileWriter] = {}
        self.readings: dict[str, LoudnessReading] = {}
        self.clipped: dict[str, int] = {}
        self.gain_db: dict[str, float] = {}
        self.notes: list[str] = []
        self._aligned = [file for file in plan.files if file.what in ("stem", "mix")]
        self._alone = [file for file in plan.files if file.what in ("clip", "take")]
        passes = 1 if plan.settings.normalise_lufs is None else 2
        self._aligned_frames = max((file.frames for file in self._aligned), default=0)
        self.total = max(1, passes * (self._aligned_frames + sum(file.frames for file in self._alone)))
        self._done = 0

    def render(self) -> None:
        """Write all sound files."""
        if self._aligned:
            self._render_aligned()
        for file in self._alone:
            self._render_alone(file)
        self._step(self.total, self.total)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    # ------------------------------------------------------------------ stems and mix

    def _render_aligned(self) -> None:
        settings = self._plan.settings
        timeline = TimelineMix(self._project, self._samples_of)
        stems = {file.object_id: file for file in self._aligned if file.what == "stem"}
        mix = next((file for file in self._aligned if file.what == "mix"), None)
        gain = 1.0
        if settings.normalise_lufs is not None:
            gain = self._aligned_gain(timeline, settings.normalise_lufs)
            self._done += self._aligned_frames
        plain = self._project.master.gain_db == 0.0 and not self._project.master.limiter
        whole = all(object_id in stems for object_id in self._sounding_lanes())
        whole = whole and (REVERB in stems or not timeline.sends)
        sums_stems = mix is not None and bool(stems) and plain and whole and not settings.pre_fader
        lanes = []
        for index, object_id in enumerate(timeline.object_ids):
            if object_id not in stems and (mix is None or sums_stems):
                continue
            lanes.append(self._lane(timeline, index, stems.get(object_id)))
        if REVERB in stems or (timeline.sends and mix is not None and not sums_stems):
            lanes.append(self._reverb(timeline, stems.get(REVERB)))
        writer = None if mix is None else self._writer(mix, gains=None)
        renderer = self._renderer(timeline, lanes, gain=gain, sums_stems=sums_stems)
        renderer.write(writer, self._sample_format(mix.name if mix is not None else "mix"), step=self._report)
        self._done += self._aligned_frames
        self._finish(self._aligned)

    def _sounding_lanes(self) -> set[str]:
        return {clip.object_id for clip in self._project.clips}

    def _lane(self, timeline: TimelineMix, index: int, file: PlannedFile | None, *, rate: bool = True) -> LaneOutput:
        first, gains, stereo = self._aligned[0], timeline.gains(index), timeline.is_stereo(index)
        stem_reader = None
        stem_gains, stem_stereo = gains, stereo
        if self._plan.settings.pre_fader:
            stem_gains, stem_stereo = (1.0, 1.0), timeline.has_sides(index)
            stem_reader = self._reader(
                lambda start, count: timeline.lane(index, start, count), first, rate=rate, stereo=stem_stereo
            )
        return self._output(
            self._reader(lambda start, count: timeline.automated(index, start, count), first, rate=rate, stereo=stereo),
            file,
            gains=gains,
            stem_gains=stem_gains,
            stem_reader=stem_reader,
            stem_stereo=stem_stereo,
        )

    def _reverb(self, timeline: TimelineMix, file: PlannedFile | None, *, rate: bool = True) -> LaneOutput:
        """What comes back from the reverb, as one more lane."""
        reader = self._reader(timeline.reverb, self._aligned[0], rate=rate, stereo=True)
        return self._output(reader, file, gains=(1.0, 1.0), stem_gains=(1.0, 1.0), stem_reader=None, stem_stereo=True)

    def _output(
        self,
        reader: ResamplingReader,
        file: PlannedFile | None,
        *,
        gains: tuple[float, float],
        stem_gains: tuple[float, float],
        stem_reader: ResamplingReader | None,
        stem_stereo: bool,
    ) -> LaneOutput:
        mono_gains = gains_of_mono(stem_gains, n_channels=self._plan.n_channels)
        return LaneOutput(
            reader=reader,
            gains=gains,
            stem_reader=stem_reader,
            stem_gains=stem_gains,
            writer=None if file is None else self._writer(file, gains=None if stem_stereo else mono_gains),
            sample_format=None if file is None else self._sample_format(file.name),
        )

    def _aligned_gain(self, timeline: TimelineMix, target_lufs: float) -> float:
        """The gain that brings the mix to the target; it holds for the stems too, so that they stay in balance."""
        lanes = [self._lane(timeline, index, None, rate=False) for index in range(len(timeline.object_ids))]
        if timeline.sends:
            lanes.append(self._reverb(timeline, None, rate=False))
        meter = LoudnessMeter(sample_rate_hz=PROJECT_RATE_HZ, channels=self._plan.n_channels)
        self._renderer(timeline, lanes, gain=1.0, sums_stems=False).measure(meter, step=self._report)
        gain_db = self._gain_db(meter, target_lufs, what="the mix")
        for file in self._aligned:
            self.gain_db[file.name] = gain_db
        return db_to_linear(gain_db)

    def _renderer(
        self, timeline: TimelineMix, lanes: list[LaneOutput], *, gain: float, sums_stems: bool
    ) -> StemRenderer:
        return StemRenderer(
            timeline,
            lanes,
            frames=self._aligned_frames,
            n_channels=self._plan.n_channels,
            gain=gain,
            sums_stems=sums_stems,
            executor=self._executor,
        )

    # ------------------------------------------------------------------ clips and takes

    def _render_alone(self, file: PlannedFile) -> None:
        source = lone_sound(file, self._project, self._samples_of, pre_fader=self._plan.settings.pre_fader)
        gains, stereo, n_channels = source.gains, source.stereo, self._plan.n_channels
        target = self._plan.settings.normalise_lufs
        gain = 1.0
        if target is not None:
            reader = self._reader(source.read, file, rate=False, stereo=stereo)
            meter = LoudnessMeter(sample_rate_hz=PROJECT_RATE_HZ, channels=n_channels)
            for done in range(0, file.frames, BLOCK_FRAMES):
                self._report(done)
                meter.push(np.stack(channels_of(reader.next(BLOCK_FRAMES), gains, n_channels=n_channels), axis=1))
            self._done += file.frames
            self.gain_db[file.name] = self._gain_db(meter, target, what=file.name)
            gain = db_to_linear(self.gain_db[file.name])
        writer = self._writer(file, gains=None if stereo else gains_of_mono(gains, n_channels=n_channels))
        sample_format = self._sample_format(file.name)
        reader = self._reader(source.read, file, stereo=stereo)
        scaled = (gains[0] * gain, gains[1] * gain)
        for done in range(0, file.frames, BLOCK_FRAMES):
            self._report(done)
            writer.write(file_channels(sample_format, reader.next(BLOCK_FRAMES), scaled, n_channels=n_channels))
        self._done += file.frames
        self._finish([file])

    # ------------------------------------------------------------------ shared

    def _reader(
        self, read: ReadSound, file: PlannedFile, *, rate: bool = True, stereo: bool = False
    ) -> ResamplingReader:
        """At the rate of the files, or with `rate` False at 48 kHz, as loudness is measured."""
        return ResamplingReader(
            read,
            start=file.start_frame,
            frames=file.frames,
            sample_rate_hz=self._plan.settings.sample_rate_hz if rate else PROJECT_RATE_HZ,
            rate_frames=self._plan.rate_frames(file) if rate else file.frames,
            n_channels=2 if stereo else 1,
        )

    def _writer(self, file: PlannedFile, *, gains: tuple[float, ...] | None) -> AudioFileWriter:
        loop = None
        if file.clip_id is not None:
            loop = loop_of_clip(self._project.clip(file.clip_id), self._samples_of)
        metadata = metadata_of(
            self._plan,
            file,
            self._project,
            [take_facts(take, self._project, self._licences) for take in takes_of(file, self._takes)],
            loop=loop,
        )
        writer = AudioFileWriter(
            self._staging / file.name, self._plan.format, metadata, frames=self._plan.rate_frames(file), gains=gains
        )
        self._writers[file.name] = writer
        return writer

    def _sample_format(self, name: str) -> SampleFormat:
        return SampleFormat(self._plan.format.subtype, dither=self._plan.settings.dither, key=name)

    def _finish(self, files: list[PlannedFile]) -> None:
        """Complete files side by side: each waits for the disk."""
        writers = {file.name: self._writers[file.name] for file in files}
        futures = [self._executor.submit(writer.finish) for writer in writers.values()]
        wait(futures)
        for future in futures:
            future.result()
        for name, writer in writers.items():
            # Those that could not be finished are closed at the end.
            del self._writers[name]
            if writer.reading is not None:
                self.readings[name] = writer.reading
            if writer.clipped_samples:
                self.clipped[name] = writer.clipped_samples

    def _gain_db(self, meter: LoudnessMeter, target_lufs: float, *, what: str) -> float:
        measured = meter.integrated_lufs
        if measured is None or not np.isfinite(measured):
            self.notes.append(f"{what} is silent or shorter than 400 ms and has no loudness: its level was left alone")
            return 0.0
        return target_lufs - measured

    def _report(self, done: int) -> None:
        self._step(min(self._done + done, self.total), self.total)
