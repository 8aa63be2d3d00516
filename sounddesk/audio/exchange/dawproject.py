"""DAWproject 1.0: a ZIP with project.xml, metadata.xml and the audio, read by Bitwig, Studio One, Cubase and others.

Written after the published schemas (github.com/bitwig/dawproject). The format knows no clip gain and no polarity that
its readers agree on, so both are in the sound of the embedded files.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
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
from sounddesk.audio.exchange.exchange_model import Media
from sounddesk.audio.exchange.exchange_model import gain_of
from sounddesk.audio.exchange.exchange_model import seconds_text
from sounddesk.audio.exchange.exchange_model import write_media
from sounddesk.audio.files.riff_chunks import xml_text
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import PROJECT_RATE_HZ

_VERSION: Final = "1.0"
# The timeline counts seconds; the format wants a tempo all the same.
_TEMPO_BPM: Final = 120
_MAX_GAIN: Final = 1000


def write_dawproject(job: ExchangeJob) -> None:
    """Write the file, new. Raises: OSError."""
    variants = _variants(job.tracks)
    # ZIP entries of unknown length are read by some programs wrongly, so each media file is made first.
    with zipfile.ZipFile(job.path, "x", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for name, text in (
            ("project.xml", project_xml(job.project, job.tracks)),
            ("metadata.xml", metadata_xml(title=job.title, comment=job.comment)),
        ):
            archive.writestr(zipfile.ZipInfo(name, date_time=_now()), text, zipfile.ZIP_DEFLATED)
        for (_, factor), (name, media) in variants.items():
            job.between()
            with tempfile.TemporaryDirectory(dir=job.path.parent, prefix=".media-") as folder:
                made = Path(folder) / "media.wav"
                write_media(made, media, job.samples_of, factor=factor)
                archive.write(made, name)
                with contextlib.suppress(OSError):
                    made.unlink()


def _now() -> tuple[int, int, int, int, int, int]:
    """The local time, as far as ZIP has it: a computer without a clock begins in 1970."""
    year, month, day, hour, minute, second, *_ = time.localtime()
    return min(max((year, month, day, hour, minute, second), (1980, 1, 1, 0, 0, 0)), (2107, 12, 31, 23, 59, 58))


EXCHANGE_FORMATS.register(
    ExchangeFormat(
        name="dawproject",
        label="DAWproject",
        suffix=".dawproject",
        programs="Bitwig, Studio One, Cubase",
        write=write_dawproject,
        plays_media=False,
        order=10,
    )
)


def project_xml(project: Project, tracks: tuple[ExchangeTrack, ...]) -> str:
    """The text of project.xml."""
    variants = _variants(tracks)
    root = ET.Element("Project", version=_VERSION)
    ET.SubElement(root, "Application", name="sounddesk", version=sounddesk.__version__)
    transport = ET.SubElement(root, "Transport")
    ET.SubElement(transport, "Tempo", id="tempo", name="Tempo", unit="bpm", min="20", max="666", value=str(_TEMPO_BPM))
    ET.SubElement(transport, "TimeSignature", id="signature", numerator="4", denominator="4")
    structure = ET.SubElement(root, "Structure")
    for track in tracks:
        strip = track.lane.strip
        element = ET.SubElement(
            structure,
            "Track",
            contentType="audio",
            loaded="true",
            id=_id("track", track.id),
            name=xml_text(track.name),
            color=track.lane.colour,
        )
        channel = ET.SubElement(
            element,
            "Channel",
            audioChannels="2",
            destination="master-channel",
            role="regular",
            solo=_flag(strip.soloed),
            id=_id("channel", track.id),
        )
        _strip(channel, track.id, gain=track.gain, pan=strip.pan, muted=strip.muted)
    master = ET.SubElement(structure, "Track", contentType="audio", loaded="true", id="master-track", name="Master")
    channel = ET.SubElement(master, "Channel", audioChannels="2", role="master", solo="false", id="master-channel")
    _strip(channel, "master", gain=gain_of(project.master.gain_db), pan=0.0, muted=False)
    arrangement = ET.SubElement(root, "Arrangement", id="arrangement")
    lanes = ET.SubElement(arrangement, "Lanes", timeUnit="seconds", id="lanes")
    for track in tracks:
        lane = ET.SubElement(lanes, "Lanes", track=_id("track", track.id), id=_id("lane", track.id))
        clips = ET.SubElement(lane, "Clips", id=_id("clips", track.id))
        for item in track.clips:
            _clip(clips, item, file=variants[_variant(track, item)][0], colour=track.lane.colour)
        strip = track.lane.strip
        _points(lane, track.id, "volume", volume_line(strip.volume_curve, fader=track.gain), unit="linear")
        pans = [(time_s, (pan + 1.0) / 2.0) for time_s, pan in pan_line(strip.pan_curve)]
        _points(lane, track.id, "pan", pans, unit="normalized")
    if project.markers:
        # The list lies in the arrangement; without a unit some readers take its times for beats.
        markers = ET.SubElement(arrangement, "Markers", timeUnit="seconds", id="markers")
        colours = {each.id: each.colour for each in project.objects}
        for marker in project.markers:
            found = ET.SubElement(
                markers, "Marker", time=seconds_text(marker.time_s), name=xml_text(marker.label or "marker")
            )
            if marker.object_id in colours:
                found.set("color", colours[marker.object_id])
    return _text(root)


def metadata_xml(*, title: str, comment: str) -> str:
    """The text of metadata.xml."""
    root = ET.Element("MetaData")
    ET.SubElement(root, "Title").text = xml_text(title)
    ET.SubElement(root, "Comment").text = xml_text(comment)
    return _text(root)


def _clip(parent: ET.Element, item: ExchangeClip, *, file: str, colour: str) -> None:
    clip = item.clip
    element = ET.SubElement(
        parent,
        "Clip",
        time=seconds_text(clip.start_s),
        duration=seconds_text(clip.duration_s),
        contentTimeUnit="seconds",
        playStart=seconds_text(item.offset_s),
        fadeTimeUnit="seconds",
        fadeInTime=seconds_text(clip.fade_in_s),
        fadeOutTime=seconds_text(clip.fade_out_s),
        name=xml_text(item.name),
        color=colour,
    )
    audio = ET.SubElement(
        element,
        "Audio",
        channels=str(item.media.channels),
        sampleRate=str(PROJECT_RATE_HZ),
        duration=seconds_text(item.media.seconds),
        id=_id("audio", clip.id),
    )
    ET.SubElement(audio, "File", path=file, external="false")


def _points(lane: ET.Element, track_id: str, parameter: str, line: Line, *, unit: str) -> None:
    """A curve of a track's parameter, in place of its value."""
    if not line:
        return
    points = ET.SubElement(lane, "Points", unit=unit, id=_id(f"{parameter}-curve", track_id))
    ET.SubElement(points, "Target", parameter=_id(parameter, track_id))
    for time_s, value in line:
        ET.SubElement(points, "RealPoint", time=seconds_text(time_s), value=f"{value:.9f}", interpolation="linear")


def _strip(channel: ET.Element, track_id: str, *, gain: float, pan: float, muted: bool) -> None:
    ET.SubElement(channel, "Mute", value=_flag(muted), id=_id("mute", track_id), name="Mute")
    ET.SubElement(
        channel,
        "Pan",
        min="0",
        max="1",
        unit="normalized",
        value=f"{(pan + 1.0) / 2.0:.6f}",
        id=_id("pan", track_id),
        name="Pan",
    )
    ET.SubElement(
        channel,
        "Volume",
        min="0",
        max=str(_MAX_GAIN),
        unit="linear",
        value=f"{gain:.9f}",
        id=_id("volume", track_id),
        name="Volume",
    )


def _variants(tracks: tuple[ExchangeTrack, ...]) -> dict[tuple[str, float], tuple[str, Media]]:
    """Path in the archive and media by (media name, amplitude): one file for each gain that a take is used with."""
    found = {_variant(track, item): item.media for track in tracks for item in track.clips}
    stems = unique_file_stems([Path(name).stem for name, _ in found])
    return {key: (f"audio/{stem}.wav", media) for (key, media), stem in zip(found.items(), stems, strict=True)}


def _variant(track: ExchangeTrack, item: ExchangeClip) -> tuple[str, float]:
    gain = gain_of(item.clip.gain_db)
    return item.media.name, -gain if track.lane.strip.inverted else gain


def _id(kind: str, name: str) -> str:
    """An xs:ID: ids of a project hold letters and digits, but a file may come from anywhere."""
    return f"{kind}-{''.join(c if (c.isascii() and c.isalnum()) or c == '-' else f'_{ord(c):x}' for c in name)}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )
