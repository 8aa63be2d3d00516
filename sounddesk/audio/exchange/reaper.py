"""A Reaper project: plain text, one block per track and item, media in a folder beside it."""

from __future__ import annotations

import uuid
from typing import Final

import sounddesk
from sounddesk.audio.exchange.automation_lines import Line
from sounddesk.audio.exchange.automation_lines import pan_line
from sounddesk.audio.exchange.automation_lines import volume_line
from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exchange.exchange_format import ExchangeFormat
from sounddesk.audio.exchange.exchange_format import ExchangeJob
from sounddesk.audio.exchange.exchange_model import ExchangeClip
from sounddesk.audio.exchange.exchange_model import ExchangeTrack
from sounddesk.audio.exchange.exchange_model import gain_of
from sounddesk.audio.exchange.exchange_model import seconds_text
from sounddesk.domain.project import Project
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import FadeCurve

# By curve: linear; "fast start", which comes nearest to a quarter sine; S; "fast end".
_FADE_SHAPES: Final[dict[FadeCurve, int]] = {"linear": 0, "equal_power": 1, "s": 5, "exponential": 2}
# Marks a colour as set by hand.
_CUSTOM_COLOUR: Final = 0x1000000


def reaper_text(project: Project, tracks: tuple[ExchangeTrack, ...], *, media_folder: str, notes: str = "") -> str:
    """The text of the .rpp file.

    Args:
        media_folder: where the media lie, relative to the file.
        notes: shown in Reaper's project notes.
    """
    settings = project.settings
    lines = [
        f'<REAPER_PROJECT 0.1 "7.0/sounddesk-{sounddesk.__version__}" 0',
        "  <NOTES 0 2",
        *(f"    |{_line(line)}" for line in notes.splitlines()),
        "  >",
        f"  SAMPLERATE {PROJECT_RATE_HZ} 1 0",
        "  TEMPO 120 4 4",
        # The kinds of time that ruler and transport show stay Reaper's own; the rate is a base and how it is divided.
        f"  TIMEMODE 1 5 -1 {settings.timecode_rate.nominal} {_frame_mode(settings.timecode_rate)} 0 -1",
        f"  PROJOFFS {seconds_text(settings.start_timecode_s)} 0 0",
        f"  MASTER_VOLUME {gain_of(project.master.gain_db):.9f} 0 -1 -1 1",
        "  MASTER_NCH 2 2",
    ]
    colours = {each.id: each.colour for each in project.objects}
    for number, marker in enumerate(project.markers, start=1):
        colour = _colour(colours[marker.object_id]) if marker.object_id in colours else 0
        lines.append(f"  MARKER {number} {seconds_text(marker.time_s)} {_quoted(marker.label)} 0 {colour} 1")
    for track in tracks:
        lines += _track(track, media_folder)
    return "\n".join([*lines, ">"]) + "\n"


def write_reaper(job: ExchangeJob) -> None:
    """Write the file, new. Raises: OSError."""
    text = reaper_text(job.project, job.tracks, media_folder=job.media_folder, notes=job.comment)
    job.path.write_text(text, encoding="utf-8", newline="\r\n")


EXCHANGE_FORMATS.register(
    ExchangeFormat(
        name="rpp",
        label="Reaper",
        suffix=".rpp",
        programs="Reaper",
        write=write_reaper,
        plays_media=True,
        order=20,
    )
)


def _frame_mode(rate: TimecodeRate) -> int:
    """What Reaper makes of a whole rate: 0 itself, 1 that of NTSC with drop frame, 2 that of NTSC without."""
    if rate.drop_frame:
        return 1
    return 0 if rate.frames_per_s.denominator == 1 else 2


def _track(track: ExchangeTrack, media_folder: str) -> list[str]:
    strip = track.lane.strip
    lines = [
        f"  <TRACK {_guid('track', track.id)}",
        f"    NAME {_quoted(track.name)}",
        f"    PEAKCOL {_colour(track.lane.colour)}",
        # Pan law 0 dB in the centre, as in sounddesk, whatever the user's own default is.
        f"    VOLPAN {track.gain:.9f} {0.0 if strip.pan_curve else strip.pan:.6f} 1 -1 1",
        f"    MUTESOLO {int(strip.muted)} {int(strip.soloed)} 0",
        f"    IPHASE {int(strip.inverted)}",
        "    NCHAN 2",
        *_envelope("VOLENV2", volume_line(strip.volume_curve)),
        # Reaper's curves of pan count from the right to the left.
        *_envelope("PANENV2", [(time_s, -pan) for time_s, pan in pan_line(strip.pan_curve)]),
    ]
    for item in track.clips:
        lines += _item(item, media_folder)
    return [*lines, "  >"]


def _envelope(name: str, line: Line) -> list[str]:
    """A curve of a track, which acts on top of its fader."""
    if not line:
        return []
    points = [f"      PT {seconds_text(time_s)} {value:.9f} 0" for time_s, value in line]
    head = ["ACT 1 -1", "VIS 1 1 1", "LANEHEIGHT 0 0", "ARM 0", "DEFSHAPE 0 -1 -1"]
    return [f"    <{name}", *(f"      {each}" for each in head), *points, "    >"]


def _item(item: ExchangeClip, media_folder: str) -> list[str]:
    clip = item.clip
    fade_in, fade_out = _FADE_SHAPES[clip.fade_in_curve], _FADE_SHAPES[clip.fade_out_curve]
    return [
        "    <ITEM",
        f"      POSITION {seconds_text(clip.start_s)}",
        "      SNAPOFFS 0",
        f"      LENGTH {seconds_text(clip.duration_s)}",
        "      LOOP 0",
        f"      FADEIN {fade_in} {seconds_text(clip.fade_in_s)} 0 {fade_in} 0 0 0",
        f"      FADEOUT {fade_out} {seconds_text(clip.fade_out_s)} 0 {fade_out} 0 0 0",
        "      MUTE 0 0",
        f"      IGUID {_guid('item', clip.id)}",
        f"      NAME {_quoted(item.name)}",
        f"      VOLPAN {gain_of(clip.gain_db):.9f} 0 1 -1",
        f"      SOFFS {seconds_text(item.offset_s)}",
        "      PLAYRATE 1 1 0 -1 0 0.0025",
        "      CHANMODE 0",
        f"      GUID {_guid('take', clip.id)}",
        "      <SOURCE WAVE",
        f"        FILE {_quoted(f'{media_folder}/{item.media.name}')}",
        "      >",
        "    >",
    ]


def _quoted(text: str) -> str:
    """Reaper takes the kind of quote that is not in the text; with all three kinds, one has to give way."""
    text = _line(text)
    for mark in '"', "'", "`":
        if mark not in text:
            return f"{mark}{text}{mark}"
    return "`" + text.replace("`", "'") + "`"


def _line(text: str) -> str:
    """One line of text that UTF-8 can hold."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return flat.encode(errors="replace").decode()


def _colour(colour: str) -> int:
    """'#rrggbb' as Reaper keeps it: blue in the high byte."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return _CUSTOM_COLOUR | blue << 16 | green << 8 | red


def _guid(kind: str, name: str) -> str:
    made = uuid.uuid5(uuid.NAMESPACE_URL, f"sounddesk:{kind}:{name.encode(errors='replace').hex()}")
    return "{" + str(made).upper() + "}"
