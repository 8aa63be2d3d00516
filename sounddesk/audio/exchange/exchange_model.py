"""A project in terms that other programs share: tracks of clips that do not overlap, each a range of a media file.

What other programs do not know is rendered into the media: loops with their crossfades, clips that play backwards or
have a gain envelope, and silence behind the end of a take. Fades (also those of crossfades), gains, pan, mute, markers
and colours are told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sounddesk.audio.files.block_writers import WavWriter
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.sample_format import SampleFormat
from sounddesk.audio.files.sample_format import clip_to_range
from sounddesk.audio.mixing import db_to_linear
from sounddesk.audio.placed_clip import FADER_BOTTOM_DB
from sounddesk.audio.placed_clip import Mono
from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import fitted_fades

_BLOCK = 1 << 16
_SECONDS_PRECISION = 9


@dataclass(frozen=True, kw_only=True)
class Media:
    """A mono WAV file at 48 kHz.

    Attributes:
        name: file name.
        take_id: what sounds in it.
        clip: rendered for this clip, without its gain and fades, from its start; None for the whole raw take.
        frames: length.
    """

    name: str
    take_id: str
    clip: Clip | None
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / PROJECT_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class ExchangeClip:
    """A clip: `clip` holds place, gain and fades; the sound is `media` from `offset_s` on."""

    clip: Clip
    name: str
    media: Media
    offset_s: float


@dataclass(frozen=True, kw_only=True)
class ExchangeTrack:
    """A track. A lane with overlapping clips becomes several, with the same fader."""

    id: str
    name: str
    lane: SceneObject
    clips: tuple[ExchangeClip, ...]

    @property
    def gain(self) -> float:
        """Amplitude of the fader."""
        return gain_of(self.lane.strip.gain_db)


def gain_of(gain_db: float) -> float:
    """Amplitude of a fader or clip gain; the bottom is silent."""
    return 0.0 if gain_db <= FADER_BOTTOM_DB else db_to_linear(gain_db)


def exchange_tracks(
    project: Project, takes: TakeLibrary, samples_of: Callable[[str], Mono | None]
) -> tuple[ExchangeTrack, ...]:
    """Every lane with its clips, as far as their takes are there."""
    wanted: list[tuple[SceneObject, Clip, bool, int]] = []
    for lane in project.objects:
        for clip in project.clips_of(lane.id):
            samples = samples_of(clip.take_id)
            if samples is not None:
                reach = frames_of(clip.offset_s) + frames_of(clip.end_s) - frames_of(clip.start_s)
                rendered = clip.looped or clip.reversed or bool(clip.envelope) or reach > len(samples)
                wanted.append((lane, with_fades_heard(project, clip), rendered, len(samples)))
    names = {lane.id: lane.name for lane in project.objects}
    labels: dict[str, str] = {}
    for lane, clip, rendered, _ in wanted:
        take = takes[clip.take_id]
        owner = names.get(take.object_id, lane.name)
        own = f"{owner}_take{take.number:02d}"
        labels[_key(clip, rendered=rendered)] = f"{own}_{clip.id}" if rendered else own
    stems = dict(zip(labels, unique_file_stems(list(labels.values())), strict=True))
    media: dict[str, Media] = {}
    for _, clip, rendered, frames in wanted:
        key = _key(clip, rendered=rendered)
        length = frames_of(clip.end_s) - frames_of(clip.start_s) if rendered else frames
        media[key] = Media(
            name=f"{stems[key]}.wav", take_id=clip.take_id, clip=clip if rendered else None, frames=max(1, length)
        )
    made = []
    for lane in project.objects:
        own_clips = [
            ExchangeClip(
                clip=clip,
                name=f"{lane.name} take {takes[clip.take_id].number}",
                media=media[_key(clip, rendered=rendered)],
                offset_s=0.0 if rendered else clip.offset_s,
            )
            for owner_lane, clip, rendered, _ in wanted
            if owner_lane is lane
        ]
        for number, row in enumerate(_without_overlap(own_clips), start=1):
            suffix = "" if number == 1 else f" ({number})"
            made.append(
                ExchangeTrack(id=f"{lane.id}-{number}", name=f"{lane.name}{suffix}", lane=lane, clips=tuple(row))
            )
    return tuple(made)


def with_fades_heard(project: Project, clip: Clip) -> Clip:
    """The clip with the fades with which it sounds, those of crossfades among them, as far as both fit into it."""
    fades = project.fades[clip.id]
    fade_in_s, fade_out_s = fitted_fades(fades.in_s, fades.out_s, duration_s=clip.duration_s)
    return dataclasses.replace(clip, fade_in_s=fade_in_s, fade_out_s=fade_out_s)


def media_of(tracks: tuple[ExchangeTrack, ...]) -> tuple[Media, ...]:
    """Every media file once, in order of use."""
    return tuple({item.media.name: item.media for track in tracks for item in track.clips}.values())


def peak_of_media(media: Media, samples_of: Callable[[str], Mono | None]) -> float:
    """The largest absolute sample of a media file before it is written."""
    return max((float(np.abs(block).max(initial=0.0)) for block in _blocks(media, samples_of)), default=0.0)


def write_media(
    path: Path,
    media: Media,
    samples_of: Callable[[str], Mono | None],
    *,
    factor: float = 1.0,
    subtype: WavFormat = "FLOAT",
) -> None:
    """Write one media file. `factor` is its amplitude, where gain must be in the sound itself."""
    sample_format = SampleFormat(subtype, dither=False, key=media.name)
    writer = WavWriter(
        path,
        subtype=subtype,
        sample_rate_hz=PROJECT_RATE_HZ,
        channels=1,
        frames=media.frames,
    )
    try:
        for block in _blocks(media, samples_of):
            channels = sample_format.from_mono(block, (factor,))
            clip_to_range(channels, subtype=subtype)
            writer.write(channels)
        writer.finish()
    finally:
        writer.close()


def seconds_text(seconds: float) -> str:
    """A time for a text file, without an exponent and without needless zeros."""
    return f"{round(seconds, _SECONDS_PRECISION):.9f}".rstrip("0").rstrip(".")


def _blocks(media: Media, samples_of: Callable[[str], Mono | None]) -> Iterator[Mono]:
    if media.clip is None:
        samples = samples_of(media.take_id)
        assert samples is not None
        for start in range(0, media.frames, _BLOCK):
            yield samples[start : start + _BLOCK]
        return
    bare = dataclasses.replace(media.clip, gain_db=0.0, fade_in_s=0.0, fade_out_s=0.0)
    lane = _bare_lane(bare)
    timeline = TimelineMix(Project(objects=(lane,), clips=(bare,)), samples_of)
    start = frames_of(bare.start_s)
    for done in range(0, media.frames, _BLOCK):
        yield timeline.lane(0, start + done, min(_BLOCK, media.frames - done))


def _bare_lane(clip: Clip) -> SceneObject:
    from sounddesk.domain.tiled_mask import TiledMask

    return SceneObject(id=clip.object_id, name="lane", mask=TiledMask.empty(width=1, height=1), seed=0)


def _key(clip: Clip, *, rendered: bool) -> str:
    return f"clip {clip.id}" if rendered else f"take {clip.take_id}"


def _without_overlap(clips: list[ExchangeClip]) -> list[list[ExchangeClip]]:
    """Rows in each of which a clip begins only when the one before has ended; at least one row."""
    rows: list[list[ExchangeClip]] = [[]]
    for item in clips:
        start = frames_of(item.clip.start_s)
        row = next((row for row in rows if not row or frames_of(row[-1].clip.end_s) <= start), None)
        if row is None:
            row = []
            rows.append(row)
        row.append(item)
    return rows
