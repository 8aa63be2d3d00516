"""Metadata chunks of WAV files: `bext` (EBU Tech 3285 version 2), `iXML`, `cue ` with labels, and `smpl` loops.

No kept library writes these together, so they are written here; an independent reader checks them in the tests.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sounddesk.domain.timecode import TimecodeRate

# EBU Tech 3285: fixed part of version 2 in bytes, without the chunk header.
_BEXT_BYTES: Final = 602
# Loudness fields that are not known (EBU Tech 3285 v2, section 2.3).
_NO_LOUDNESS: Final = 0x7FFF
_RIFF_LIMIT: Final = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class BroadcastInfo:
    """The `bext` chunk. Texts are cut to what their field holds; characters outside ASCII become '?'.

    Attributes:
        description: up to 256 bytes.
        originator, originator_reference: up to 32 bytes each.
        date: 'yyyy-mm-dd'; time: 'hh:mm:ss'.
        time_reference_samples: samples since midnight at which the file begins.
        loudness_lufs, true_peak_dbtp, loudness_range_lu, max_momentary_lufs, max_short_term_lufs: of the programme;
            None where not measured.
        coding_history: lines as EBU R 98 gives them.
    """

    description: str = ""
    originator: str = "sounddesk"
    originator_reference: str = ""
    date: str = "0000-00-00"
    time: str = "00:00:00"
    time_reference_samples: int = 0
    loudness_lufs: float | None = None
    loudness_range_lu: float | None = None
    true_peak_dbtp: float | None = None
    max_momentary_lufs: float | None = None
    max_short_term_lufs: float | None = None
    coding_history: str = ""


@dataclass(frozen=True, kw_only=True)
class CuePoint:
    """A marker: frame (sample of one channel) from the start of the file, and its label."""

    frame: int
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class SampleLoop:
    """A loop from `start_frame` to `end_frame`, both included, as the `smpl` chunk counts."""

    start_frame: int
    end_frame: int


def bext_chunk(info: BroadcastInfo) -> bytes:
    """The `bext` chunk, version 2. Raises: ValueError for a negative time reference."""
    if not 0 <= info.time_reference_samples < 2**64:
        raise ValueError(f"time reference is {info.time_reference_samples}: it must be 0 or more samples")
    low, high = info.time_reference_samples & 0xFFFFFFFF, info.time_reference_samples >> 32
    fixed = b"".join(
        (
            _fixed_text(info.description, 256),
            _fixed_text(info.originator, 32),
            _fixed_text(info.originator_reference, 32),
            _fixed_text(info.date, 10),
            _fixed_text(info.time, 8),
            struct.pack("<IIH", low, high, 2),
            bytes(64),  # UMID: none
            struct.pack(
                "<5h",
                _hundredths(info.loudness_lufs),
                _hundredths(info.loudness_range_lu),
                _hundredths(info.true_peak_dbtp),
                _hundredths(info.max_momentary_lufs),
                _hundredths(info.max_short_term_lufs),
            ),
            bytes(180),
        )
    )
    assert len(fixed) == _BEXT_BYTES
    history = info.coding_history
    if history and not history.endswith("\r\n"):
        history += "\r\n"
    return _chunk(b"bext", fixed + history.encode("ascii", "replace") + (b"\0" if history else b""))


def ixml_chunk(
    *,
    project: str,
    tracks: Sequence[str],
    scene: str = "",
    take: str = "",
    note: str = "",
    start_samples: int | None = None,
    sample_rate_hz: int = 48_000,
    timecode_rate: TimecodeRate | None = None,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """The `iXML` chunk (version 2.10): project, scene, take, note, one entry per channel, and `extra` under USER.

    Characters that XML 1.0 cannot hold are left out.

    Args:
        start_samples: samples since midnight at which the file begins, for SPEED; None without.
        timecode_rate: how frames of the picture are counted; 25 a second where it is not given.
    """
    root = ET.Element("BWFXML")
    texts = {"IXML_VERSION": "2.10", "PROJECT": project, "SCENE": scene, "TAKE": take, "NOTE": note}
    for key, value in texts.items():
        ET.SubElement(root, key).text = xml_text(value)
    if start_samples is not None:
        rate = timecode_rate or TimecodeRate.of(25)
        speed = {
            "TIMECODE_RATE": f"{rate.frames_per_s.numerator}/{rate.frames_per_s.denominator}",
            "TIMECODE_FLAG": "DF" if rate.drop_frame else "NDF",
            "FILE_SAMPLE_RATE": str(sample_rate_hz),
            "TIMESTAMP_SAMPLE_RATE": str(sample_rate_hz),
            "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI": str(start_samples >> 32),
            "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO": str(start_samples & 0xFFFFFFFF),
        }
        parent = ET.SubElement(root, "SPEED")
        for key, value in speed.items():
            ET.SubElement(parent, key).text = value
    listed = ET.SubElement(root, "TRACK_LIST")
    ET.SubElement(listed, "TRACK_COUNT").text = str(len(tracks))
    for index, name in enumerate(tracks, start=1):
        track = ET.SubElement(listed, "TRACK")
        ET.SubElement(track, "CHANNEL_INDEX").text = str(index)
        ET.SubElement(track, "INTERLEAVE_INDEX").text = str(index)
        ET.SubElement(track, "NAME").text = xml_text(name)
    if extra:
        user = ET.SubElement(root, "USER")
        for key, value in extra.items():
            ET.SubElement(user, key).text = xml_text(value)
    return _chunk(b"iXML", ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def cue_chunks(points: Sequence[CuePoint]) -> bytes:
    """`cue ` and, for labelled points, `LIST` `adtl` `labl`; empty without points."""
    if not points:
        return b""
    cues = struct.pack("<I", len(points))
    labels = b"adtl"
    for number, point in enumerate(points, start=1):
        cues += struct.pack("<II4sIII", number, point.frame, b"data", 0, 0, point.frame)
        if point.label:
            # A zero byte would end the text; lone surrogates come from file systems and are no text.
            text = point.label.replace("\0", "").encode(errors="replace")
            labels += _chunk(b"labl", struct.pack("<I", number) + text + b"\0")
    return _chunk(b"cue ", cues) + (_chunk(b"LIST", labels) if len(labels) > 4 else b"")


def smpl_chunk(loops: Sequence[SampleLoop], *, sample_rate_hz: int) -> bytes:
    """The `smpl` chunk with forward loops for ever; empty without loops."""
    if not loops:
        return b""
    period_ns = round(1e9 / sample_rate_hz)
    head = struct.pack("<9I", 0, 0, period_ns, 60, 0, 0, 0, len(loops), 0)
    rows = b"".join(
        struct.pack("<6I", number, 0, loop.start_frame, loop.end_frame, 0, 0) for number, loop in enumerate(loops)
    )
    return _chunk(b"smpl", head + rows)


def with_chunks(wav: bytes, *, before_data: bytes = b"", after_data: bytes = b"") -> bytes:
    """A WAV file with chunks added; `bext` belongs before the samples, the others may follow them.

    Raises:
        ValueError: not a RIFF WAVE file, or one that would pass 4 GiB.
    """
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise ValueError("not a WAV file: give the bytes of a RIFF WAVE file")
    place = _data_offset(wav)
    out = wav[:place] + before_data + wav[place:]
    if len(out) % 2:
        out += b"\0"
    out += after_data
    if len(out) - 8 > _RIFF_LIMIT:
        raise ValueError("the file would pass 4 GiB, which WAV cannot hold: export a shorter range")
    return out[:4] + struct.pack("<I", len(out) - 8) + out[8:]


def _data_offset(wav: bytes) -> int:
    offset = 12
    while offset + 8 <= len(wav):
        name, size = struct.unpack_from("<4sI", wav, offset)
        if name == b"data":
            return offset
        offset += 8 + size + size % 2
    raise ValueError("the WAV file has no samples")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + (b"\0" if len(body) % 2 else b"")


def _fixed_text(text: str, size: int) -> bytes:
    return text.encode("ascii", "replace")[:size].ljust(size, b"\0")


def _hundredths(value: float | None) -> int:
    if value is None:
        return _NO_LOUDNESS
    return max(-9999, min(9999, round(value * 100)))


def xml_text(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
