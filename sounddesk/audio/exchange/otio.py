"""OpenTimelineIO, for picture editors: clips, gaps, fades and markers; levels and pan as metadata.

Times are frames of the picture, of which a clip may begin at a fraction; samples at 48 kHz stand in the metadata.

Needs the optional package opentimelineio (`pip install sounddesk[otio]`).
"""

from __future__ import annotations

from typing import Any
from typing import Final

from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exchange.exchange_format import ExchangeFormat
from sounddesk.audio.exchange.exchange_format import ExchangeJob
from sounddesk.audio.exchange.exchange_model import ExchangeClip
from sounddesk.audio.exchange.exchange_model import ExchangeTrack
from sounddesk.audio.files.riff_chunks import xml_text
from sounddesk.audio.placed_clip import frames_of
from sounddesk.domain.project import Project
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.domain.timeline import PROJECT_RATE_HZ

_NAMESPACE: Final = "sounddesk"
_MARKER_COLOURS: Final = {
    "RED": "#ff0000",
    "ORANGE": "#ff8800",
    "YELLOW": "#ffff00",
    "GREEN": "#00a000",
    "CYAN": "#00ffff",
    "BLUE": "#0000ff",
    "PURPLE": "#800080",
    "MAGENTA": "#ff00ff",
    "PINK": "#ff99cc",
    "BLACK": "#000000",
    "WHITE": "#ffffff",
}


def otio_text(project: Project, tracks: tuple[ExchangeTrack, ...], *, name: str, media_folder: str) -> str:
    """The text of the .otio file.

    Args:
        media_folder: where the media lie, relative to the file.

    Raises:
        MissingPackageError: opentimelineio is not installed.
    """
    otio = OTIO.require()
    settings = project.settings
    clock = _Clock(otio, settings.timecode_rate)
    timeline = otio.schema.Timeline(name=xml_text(name))
    timeline.global_start_time = clock.frame(settings.timecode_rate.frame_at(settings.start_timecode_s))
    timeline.metadata[_NAMESPACE] = {
        "frame_rate": settings.frame_rate,
        "drop_frame": settings.drop_frame,
        "sample_rate_hz": PROJECT_RATE_HZ,
        "start_samples": frames_of(settings.start_timecode_s),
        "master_gain_db": project.master.gain_db,
    }
    for track in tracks:
        strip = track.lane.strip
        made = otio.schema.Track(name=xml_text(track.name), kind=otio.schema.TrackKind.Audio)
        made.enabled = not strip.muted
        made.metadata[_NAMESPACE] = {
            "gain_db": strip.gain_db,
            "pan": strip.pan,
            "muted": strip.muted,
            "soloed": strip.soloed,
            "inverted": strip.inverted,
            "volume_curve": [[point.time_s, point.value] for point in strip.volume_curve],
            "pan_curve": [[point.time_s, point.value] for point in strip.pan_curve],
            "colour": track.lane.colour,
        }
        made.extend(_row(clock, track, media_folder))
        timeline.tracks.append(made)
    colours = {each.id: each.colour for each in project.objects}
    for marker in project.markers:
        timeline.tracks.markers.append(
            otio.schema.Marker(
                name=xml_text(marker.label),
                marked_range=clock.range(frames_of(marker.time_s), 0),
                color=nearest_marker_colour(colours.get(marker.object_id or "", "#ff0000")),
                metadata={_NAMESPACE: {"object": marker.object_id or "", "samples": frames_of(marker.time_s)}},
            )
        )
    return str(otio.adapters.write_to_string(timeline, "otio_json")) + "\n"


def write_otio(job: ExchangeJob) -> None:
    """Write the file, new. Raises: MissingPackageError, OSError."""
    text = otio_text(job.project, job.tracks, name=job.title, media_folder=job.media_folder)
    job.path.write_text(text, encoding="utf-8", newline="\n")


OTIO: Final = EXCHANGE_FORMATS.register(
    ExchangeFormat(
        name="otio",
        label="OpenTimelineIO",
        suffix=".otio",
        programs="picture editors",
        write=write_otio,
        plays_media=True,
        module="opentimelineio",
        package="OpenTimelineIO",
        extra="otio",
        order=30,
    )
)


def nearest_marker_colour(colour: str) -> str:
    """The one of OpenTimelineIO's named colours that comes nearest to '#rrggbb'."""
    wanted = _channels(colour)
    return min(
        _MARKER_COLOURS,
        key=lambda name: sum((a - b) ** 2 for a, b in zip(_channels(_MARKER_COLOURS[name]), wanted, strict=True)),
    )


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


class _Clock:
    """Samples at 48 kHz as times at the picture's frame rate."""

    def __init__(self, otio: Any, rate: TimecodeRate) -> None:
        self.otio = otio
        self._rate = rate

    def frame(self, frame: float) -> Any:
        """A time in frames."""
        return self.otio.opentime.RationalTime(frame, float(self._rate.frames_per_s))

    def time(self, samples: int) -> Any:
        return self.frame(float(samples * self._rate.frames_per_s / PROJECT_RATE_HZ))

    def range(self, start: int, length: int) -> Any:
        """From `start`, in samples, `length` of them."""
        return self.otio.opentime.TimeRange(self.time(start), self.time(length))


def _row(clock: _Clock, track: ExchangeTrack, media_folder: str) -> list[Any]:
    """Clips, gaps between them, and fades: transitions from or to a gap, which lie wholly in the clip."""
    schema = clock.otio.schema
    row: list[Any] = []
    place, fading = 0, False
    for item in track.clips:
        start = frames_of(item.clip.start_s)
        fade_in, fade_out = frames_of(item.clip.fade_in_s), frames_of(item.clip.fade_out_s)
        # Without a gap, though of no length, a fade would be a crossfade with the neighbour.
        if start > place or fade_in or fading:
            row.append(schema.Gap(duration=clock.time(start - place)))
        if fade_in:
            row.append(_fade(clock, inside_left=0, inside_right=fade_in))
        row.append(_clip(clock, item, media_folder))
        if fade_out:
            row.append(_fade(clock, inside_left=fade_out, inside_right=0))
        place, fading = frames_of(item.clip.end_s), fade_out > 0
    if fading:
        row.append(schema.Gap(duration=clock.time(0)))
    return row


def _fade(clock: _Clock, *, inside_left: int, inside_right: int) -> Any:
    schema = clock.otio.schema
    return schema.Transition(
        transition_type=schema.TransitionTypes.SMPTE_Dissolve,
        in_offset=clock.time(inside_left),
        out_offset=clock.time(inside_right),
    )


def _clip(clock: _Clock, item: ExchangeClip, media_folder: str) -> Any:
    clip, schema = item.clip, clock.otio.schema
    start, end = frames_of(clip.start_s), frames_of(clip.end_s)
    reference = schema.ExternalReference(
        target_url=f"{media_folder}/{item.media.name}",
        available_range=clock.range(0, item.media.frames),
    )
    made = schema.Clip(
        name=xml_text(item.name),
        media_reference=reference,
        source_range=clock.range(frames_of(item.offset_s), end - start),
    )
    made.metadata[_NAMESPACE] = {
        "gain_db": clip.gain_db,
        "fade_in_s": clip.fade_in_s,
        "fade_out_s": clip.fade_out_s,
        "fade_in_curve": clip.fade_in_curve,
        "fade_out_curve": clip.fade_out_curve,
        "take_id": clip.take_id,
        "start_samples": start,
        "length_samples": end - start,
        "offset_samples": frames_of(item.offset_s),
        "media_samples": item.media.frames,
    }
    return made
