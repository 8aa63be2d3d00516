"""A project in terms that other programs share: tracks of clips that do not overlap, each a range of a media file.

What other programs do not know is rendered into the media: loops with their crossfades, clips that play backwards or
have a gain envelope, equalizers, and silence behind the end of a take. What comes back from the reverb is two tracks of
its own, left and right. Fades (also those of crossfades), gains, pan, their curves, mute, markers and colours are told;
the faders of groups are in those of their tracks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import numpy as np

from sounddesk.audio.files.block_writers import WavWriter
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.sample_format import SampleFormat
from sounddesk.audio.files.sample_format import clip_to_range
from sounddesk.audio.lane_sound import LaneSound
from sounddesk.audio.mixing import db_to_linear
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.crossfades import Fades
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import fitted_fades

_BLOCK = 1 << 16
_REVERB_COLOUR = "#9aa0a6"
_SECONDS_PRECISION = 9


@dataclass(frozen=True, kw_only=True)
class Media:
    """A WAV file at 48 kHz, of one channel, or of two where it holds a stereo take.

    Attributes:
        name: file name.
        take_id: whose raw samples it holds; empty where it is rendered.
        render: (first frame, number of frames) -> what is rendered; None for a raw take.
        frames: length.
        channels: 1 or 2.
    """

    name: str
    take_id: str
    frames: int
    render: Callable[[int, int], Sound] | None = field(default=None, compare=False)
    channels: int = 1

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
    """A track. A lane with overlapping clips becomes several, with the same fader, which is that of its group, too."""

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
    project: Project, takes: TakeLibrary, samples_of: Callable[[str], Sound | None]
) -> tuple[ExchangeTrack, ...]:
    """Every lane with its clips, as far as their takes are there, and what comes back from the reverb."""
    lanes = [dataclasses.replace(lane, strip=project.heard_strip(lane.id)) for lane in project.objects]
    wanted: list[tuple[SceneObject, Clip, bool, Sound]] = []
    for lane in lanes:
        for clip in project.clips_of(lane.id):
            samples = samples_of(clip.take_id)
            if samples is not None:
                rendered = lane.strip.equalizer.is_on or _is_rendered(clip, len(samples))
                wanted.append((lane, with_fades_heard(project, clip), rendered, samples))
    names = {lane.id: lane.name for lane in lanes}
    labels: dict[str, str] = {}
    for lane, clip, rendered, _ in wanted:
        take = takes[clip.take_id]
        owner = names.get(take.object_id, lane.name)
        own = f"{owner}_take{take.number:02d}"
        labels[_key(clip, rendered=rendered)] = f"{own}_{clip.id}" if rendered else own
    stems = dict(zip(labels, unique_file_stems(list(labels.values())), strict=True))
    media: dict[str, Media] = {}
    for lane, clip, rendered, samples in wanted:
        key = _key(clip, rendered=rendered)
        length = frames_of(clip.end_s) - frames_of(clip.start_s) if rendered else len(samples)
        media[key] = Media(
            name=f"{stems[key]}.wav",
            take_id="" if rendered else clip.take_id,
            frames=max(1, length),
            render=_bare_clip(clip, lane, samples_of) if rendered else None,
            channels=samples.ndim,
        )
    made = []
    for lane in lanes:
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
    taken = [item.media.name for track in made for item in track.clips]
    return (*made, *_reverb_tracks(project, samples_of, taken=taken))


def in_the_sound(project: Project) -> tuple[str, ...]:
    """What project files cannot tell and have in their media instead, for people."""
    clips = [clip for clip in project.clips if clip.reversed or clip.envelope]
    lanes = [each.name for each in project.objects if each.strip.equalizer.is_on]
    found = []
    if clips:
        found.append(f"{len(clips)} {'clip' if len(clips) == 1 else 'clips'} with a gain envelope or played backwards")
    if lanes:
        found.append(f"the equalizer of {', '.join(lanes)}")
    if project.sends_to_reverb:
        found.append("the reverb, as two tracks")
    return tuple(found)


def _is_rendered(clip: Clip, take_frames: int) -> bool:
    reach = frames_of(clip.offset_s) + frames_of(clip.end_s) - frames_of(clip.start_s)
    return clip.looped or clip.reversed or bool(clip.envelope) or reach > take_frames


def _bare_clip(clip: Clip, lane: SceneObject, samples_of: Callable[[str], Sound | None]) -> Callable[[int, int], Sound]:
    """A clip from its start, without its gain and fades, behind the equalizer of its lane."""
    bare = dataclasses.replace(clip, gain_db=0.0, fade_in_s=0.0, fade_out_s=0.0)
    start, fades = frames_of(bare.start_s), {bare.id: Fades(0.0, 0.0)}
    sound = LaneSound((bare,), fades=fades, samples_of=samples_of, equalizer=lane.strip.equalizer)
    return lambda first, count: sound.read(start + first, count)


def _reverb_tracks(
    project: Project, samples_of: Callable[[str], Sound | None], *, taken: Sequence[str]
) -> tuple[ExchangeTrack, ...]:
    """Left and right of what comes back from the reverb, each panned to its side."""
    if not project.sends_to_reverb:
        return ()
    timeline = TimelineMix(project, samples_of)
    clip = Clip(id="reverb", object_id="", take_id="", start_s=0.0, duration_s=project.settings.timeline_s)
    soloed = any(each.strip.soloed for each in project.objects)
    made = []
    stems = unique_file_stems([*(name.removesuffix(".wav") for name in taken), "reverb_left", "reverb_right"])[-2:]
    for channel, (side, pan) in enumerate((("left", -1.0), ("right", 1.0))):
        lane = SceneObject(
            id=f"reverb-{side}",
            name=f"reverb {side}",
            mask=TiledMask.empty(width=1, height=1),
            seed=0,
            colour=_REVERB_COLOUR,
            strip=MixerStrip(pan=pan, soloed=soloed),
        )
        own = dataclasses.replace(clip, id=lane.id, object_id=lane.id)

        def render(first: int, count: int, channel: int = channel) -> Sound:
            # A strip that is panned to a side is louder there by 3 dB.
            return timeline.reverb(first, count)[:, channel] * np.float32(math.sqrt(0.5))

        media = Media(name=f"{stems[channel]}.wav", take_id="", frames=timeline.frames, render=render)
        item = ExchangeClip(clip=own, name=lane.name, media=media, offset_s=0.0)
        made.append(ExchangeTrack(id=f"{lane.id}-1", name=lane.name, lane=lane, clips=(item,)))
    return tuple(made)


def with_fades_heard(project: Project, clip: Clip) -> Clip:
    """The clip with the fades with which it sounds, those of crossfades among them, as far as both fit into it."""
    fades = project.fades[clip.id]
    fade_in_s, fade_out_s = fitted_fades(fades.in_s, fades.out_s, duration_s=clip.duration_s)
    return dataclasses.replace(clip, fade_in_s=fade_in_s, fade_out_s=fade_out_s)


def media_of(tracks: tuple[ExchangeTrack, ...]) -> tuple[Media, ...]:
    """Every media file once, in order of use."""
    return tuple({item.media.name: item.media for track in tracks for item in track.clips}.values())


def peak_of_media(media: Media, samples_of: Callable[[str], Sound | None]) -> float:
    """The largest absolute sample of a media file before it is written."""
    return max((float(np.abs(block).max(initial=0.0)) for block in _blocks(media, samples_of)), default=0.0)


def write_media(
    path: Path,
    media: Media,
    samples_of: Callable[[str], Sound | None],
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
        channels=media.channels,
        frames=media.frames,
    )
    try:
        for block in _blocks(media, samples_of):
            sides = (block,) if block.ndim == 1 else (block[:, 0], block[:, 1])
            channels = tuple(sample_format.from_mono(side, (factor,))[0] for side in sides)
            clip_to_range(channels, subtype=subtype)
            writer.write(channels)
        writer.finish()
    finally:
        writer.close()


def seconds_text(seconds: float) -> str:
    """A time for a text file, without an exponent and without needless zeros."""
    return f"{round(seconds, _SECONDS_PRECISION):.9f}".rstrip("0").rstrip(".")


def _blocks(media: Media, samples_of: Callable[[str], Sound | None]) -> Iterator[Sound]:
    if media.render is not None:
        for start in range(0, media.frames, _BLOCK):
            yield media.render(start, min(_BLOCK, media.frames - start))
        return
    samples = samples_of(media.take_id)
    assert samples is not None
    for start in range(0, media.frames, _BLOCK):
        yield samples[start : start + _BLOCK]


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
