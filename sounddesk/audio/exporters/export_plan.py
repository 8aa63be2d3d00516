"""Which files an export writes, by name, and what is in each: known before anything is rendered."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from typing import Literal

from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.exporters.naming_template import fill_template
from sounddesk.audio.exporters.ucs import suggest_cat_id
from sounddesk.audio.exporters.ucs import ucs_name
from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.audio.formats.audio_format import AudioFormat
from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.timeline_mix import REVERB
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.naming import safe_file_stem
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import PROJECT_RATE_HZ

What = Literal["stem", "mix", "clip", "take"]

# Larger than this a WAV file cannot be; FLAC and OGG could, but nobody wants them to.
_MAX_FILE_BYTES: Final = 2**32 - 2**20


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """One sound file to write.

    Attributes:
        name: file name with its suffix.
        what: 'stem', 'mix', 'clip' or 'take'.
        title: for people: the object's name, or 'mix'.
        object_id, clip_id, take_id: what it is of; None for the mix, and where not meant. The stem of what comes back
            from the reverb has `REVERB` for an object.
        start_frame, frames: where it begins on the timeline and how long it is, at 48 kHz.
        take_ids: the takes that sound in it.
    """

    name: str
    what: What
    title: str
    object_id: str | None = None
    clip_id: str | None = None
    take_id: str | None = None
    start_frame: int
    frames: int
    take_ids: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.frames / PROJECT_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class ExportPlan:
    """What will be written.

    Attributes:
        settings: as asked.
        project_name: as in the names of the files.
        files: sound files: stems in the order of lanes, the mix, clips, takes.
        sidecar: name of the provenance file; None without one.
        exchange: names of project files for other programs, by kind.
        created: local time of the export.
    """

    settings: ExportSettings
    project_name: str
    files: tuple[PlannedFile, ...]
    sidecar: str | None
    exchange: dict[str, str]
    created: dt.datetime

    @property
    def format(self) -> AudioFormat:
        return AUDIO_FORMATS.get(self.settings.format)

    @property
    def names(self) -> tuple[str, ...]:
        """Every entry that will appear in the folder."""
        media = (self.media_folder,) if self.needs_media else ()
        own = (self.sidecar,) if self.sidecar else ()
        return (*(file.name for file in self.files), *self.exchange.values(), *media, *own)

    @property
    def media_folder(self) -> str:
        """Folder of the raw takes that project files play."""
        return f"{self.project_name}_media"

    @property
    def needs_media(self) -> bool:
        """Whether a folder of raw takes goes with the project files (some formats hold their own)."""
        return any(EXCHANGE_FORMATS.get(name).plays_media for name in self.exchange)

    @property
    def needed_bytes(self) -> int:
        """About what the files will take on the disk, at most."""
        rate = self.settings.sample_rate_hz / PROJECT_RATE_HZ
        frame = self.format.bytes_per_sample * self.n_channels
        return int(sum(file.frames * rate * frame + 10_000 for file in self.files))

    @property
    def n_channels(self) -> int:
        return 2 if self.settings.channels == "stereo" else 1

    def rate_frames(self, file: PlannedFile) -> int:
        """Length of a file in frames of its own rate."""
        return max(1, round(file.frames * self.settings.sample_rate_hz / PROJECT_RATE_HZ))


def plan_export(
    project: Project,
    takes: TakeLibrary,
    settings: ExportSettings,
    *,
    name: str,
    created: dt.datetime | None = None,
) -> ExportPlan:
    """Which files `settings` asks for.

    Args:
        name: of the project, for names and metadata.
        created: time of the export; now by default.

    Raises:
        ValueError: nothing to write, a range outside the timeline, or a file that WAV cannot hold.
    """
    created = created if created is not None else dt.datetime.now().astimezone()
    start, end = _range(project, settings)
    rows: list[tuple[PlannedFile, dict[str, str]]] = []

    def add(file: PlannedFile, *, kind: str, take: int | None = None, clip: int | None = None) -> None:
        rows.append((file, _values(file, settings, project=name, kind=kind, take=take, clip=clip, created=created)))

    with_clips = {clip.object_id for clip in project.clips}
    if settings.stems:
        for lane in project.objects:
            # A blend is muted beside its members: its stem would be a file of silence.
            unheard = lane.kind == "blend" and lane.strip.muted and not settings.pre_fader
            if settings.silent_lanes or (lane.id in with_clips and not unheard):
                heard = _heard_takes(project, takes, object_ids=[lane.id], start=start, end=end)
                numbers = [take.number for take in heard]
                add(
                    PlannedFile(
                        name="",
                        what="stem",
                        title=lane.name,
                        object_id=lane.id,
                        start_frame=start,
                        frames=end - start,
                        take_ids=tuple(take.id for take in heard),
                    ),
                    kind=lane.kind,
                    take=numbers[0] if len(numbers) == 1 else None,
                )
        if project.sends_to_reverb:
            ids = [lane.id for lane in project.objects if lane.strip.send_db > FADER_BOTTOM_DB]
            heard = _heard_takes(project, takes, object_ids=ids, start=start, end=end)
            add(
                PlannedFile(
                    name="",
                    what="stem",
                    title="reverb",
                    object_id=REVERB,
                    start_frame=start,
                    frames=end - start,
                    take_ids=tuple(take.id for take in heard),
                ),
                kind="ambience",
            )
    if settings.mix and project.objects:
        heard = _heard_takes(project, takes, object_ids=[o.id for o in project.objects], start=start, end=end)
        add(
            PlannedFile(
                name="",
                what="mix",
                title="mix",
                start_frame=start,
                frames=end - start,
                take_ids=tuple(take.id for take in heard),
            ),
            kind="mix",
        )
    if settings.clips:
        for file, lane_kind, take_number, clip_number in _clip_files(project, takes, settings):
            add(file, kind=lane_kind, take=take_number, clip=clip_number)
    for take in _wanted_takes(project, takes, settings):
        owner = next((each for each in project.objects if each.id == take.object_id), None)
        add(
            PlannedFile(
                name="",
                what="take",
                title=owner.name if owner is not None else str(take.recipe.get("name") or "deleted"),
                object_id=take.object_id,
                take_id=take.id,
                start_frame=0,
                frames=max(1, round(len(take.waveform) * PROJECT_RATE_HZ / take.sample_rate_hz)),
                take_ids=(take.id,),
            ),
            kind=owner.kind if owner is not None else "object",
            take=take.number,
        )
    return _named(rows, settings, project_name=name, created=created)


def _named(
    rows: list[tuple[PlannedFile, dict[str, str]]],
    settings: ExportSettings,
    *,
    project_name: str,
    created: dt.datetime,
) -> ExportPlan:
    if not rows and not settings.exchange:
        raise ValueError("there is nothing to write: choose stems, the mix, clips or takes, and place a take first")
    safe_name = safe_file_stem(project_name) if project_name.strip() else "sounddesk"
    exchange = {name: f"{safe_name}{EXCHANGE_FORMATS.get(name).suffix}" for name in settings.exchange}
    sidecar = f"{safe_name}_export.json" if settings.sidecar else None
    values = [{**row, "number": f"{index:02d}"} for index, (_, row) in enumerate(rows, start=1)]
    templates = [_template_for(settings.template, file.what) for file, _ in rows]
    texts = [fill_template(template, row) for template, row in zip(templates, values, strict=True)]
    # The mix keeps its name also where an object is called 'mix'.
    order = sorted(range(len(rows)), key=lambda index: rows[index][0].what != "mix")
    stems = dict(zip(order, unique_file_stems([texts[index] for index in order]), strict=True))
    suffix = AUDIO_FORMATS.get(settings.format).suffix
    files = tuple(dataclasses.replace(file, name=f"{stems[index]}{suffix}") for index, (file, _) in enumerate(rows))
    plan = ExportPlan(
        settings=settings, project_name=safe_name, files=files, sidecar=sidecar, exchange=exchange, created=created
    )
    largest = max((plan.rate_frames(file) for file in files), default=0)
    if largest * plan.format.bytes_per_sample * plan.n_channels > _MAX_FILE_BYTES:
        raise ValueError("a file would pass 4 GiB, which WAV cannot hold: export a shorter range")
    return plan


def _template_for(template: str, what: What) -> str:
    """Clips and takes of one object differ by their number, also where the template does not say so."""
    told_apart = "{ucs}" in template or "{number}" in template
    if what == "clip" and "{clip}" not in template and not told_apart:
        return template + "_clip{clip}"
    if what == "take" and "{take}" not in template and not told_apart:
        return template + "_take{take}"
    return template


def _range(project: Project, settings: ExportSettings) -> tuple[int, int]:
    """First and last frame (excluded) of stems and mix."""
    length_s = project.settings.timeline_s
    start_s, end_s = settings.range_s if settings.range_s is not None else (0.0, length_s)
    if start_s >= length_s:
        raise ValueError(f"range begins at {start_s:g} s and the timeline lasts {length_s:g} s: begin earlier")
    start, end = frames_of(start_s), frames_of(min(end_s, length_s))
    if settings.tails:
        ringing = [frames_of(clip.end_s) for clip in project.clips if frames_of(clip.start_s) < end]
        end = max([end, *ringing])
    return start, max(end, start + 1)


def _heard_takes(
    project: Project, takes: TakeLibrary, *, object_ids: Iterable[str], start: int, end: int
) -> list[Take]:
    found: dict[str, Take] = {}
    for object_id in object_ids:
        for clip in project.clips_of(object_id):
            take = takes.get(clip.take_id)
            if take is not None and frames_of(clip.start_s) < end and frames_of(clip.end_s) > start:
                found[take.id] = take
    return list(found.values())


def _clip_files(
    project: Project, takes: TakeLibrary, settings: ExportSettings
) -> list[tuple[PlannedFile, str, int | None, int]]:
    start_s, end_s = settings.range_s if settings.range_s is not None else (0.0, math.inf)
    found: list[tuple[PlannedFile, str, int | None, int]] = []
    for lane in project.objects:
        for number, clip in enumerate(project.clips_of(lane.id), start=1):
            if not start_s <= clip.start_s < end_s:
                continue
            take = takes.get(clip.take_id)
            start = frames_of(clip.start_s)
            file = PlannedFile(
                name="",
                what="clip",
                title=lane.name,
                object_id=lane.id,
                clip_id=clip.id,
                start_frame=start,
                frames=max(1, frames_of(clip.end_s) - start),
                take_ids=() if take is None else (take.id,),
            )
            found.append((file, lane.kind, None if take is None else take.number, number))
    return found


def _wanted_takes(project: Project, takes: TakeLibrary, settings: ExportSettings) -> list[Take]:
    if settings.takes == "none":
        return []
    placed = {clip.take_id for clip in project.clips}
    order = {each.id: index for index, each in enumerate(project.objects)}
    wanted = [
        take
        for take in takes
        if settings.takes == "all"
        or (settings.takes == "placed" and take.id in placed)
        or (settings.takes == "starred" and project.mark_of(take.id).starred)
    ]
    return sorted(wanted, key=lambda take: (order.get(take.object_id, len(order)), take.number))


def _values(
    file: PlannedFile,
    settings: ExportSettings,
    *,
    project: str,
    kind: str,
    take: int | None,
    clip: int | None,
    created: dt.datetime,
) -> dict[str, str]:
    cat_id = suggest_cat_id(file.title, kind=kind) if file.what != "mix" else "AMBMisc"
    ucs = ucs_name(
        name=file.title,
        kind="ambience" if file.what == "mix" else kind,
        take=take,
        creator_id=settings.creator_id,
        source_id=settings.source_id or project,
    )
    return {
        "project": project,
        "object": file.title,
        "kind": kind,
        "what": file.what,
        "take": "" if take is None else f"{take:02d}",
        "clip": "" if clip is None else f"{clip:02d}",
        "catid": cat_id,
        "ucs": ucs,
        "creator": settings.creator_id,
        "source": settings.source_id,
        "date": created.strftime("%Y-%m-%d"),
        "rate": f"{settings.sample_rate_hz / 1000:g}k".replace(".", "p"),
        "bits": AUDIO_FORMATS.get(settings.format).bits_text,
    }
