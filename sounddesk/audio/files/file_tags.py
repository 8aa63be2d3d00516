"""Metadata inside the files: chunks of WAV, Vorbis comments of FLAC and OGG."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen

import sounddesk
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import PlannedFile
from sounddesk.audio.exporters.provenance import summary
from sounddesk.audio.files.riff_chunks import BroadcastInfo
from sounddesk.audio.files.riff_chunks import CuePoint
from sounddesk.audio.files.riff_chunks import SampleLoop
from sounddesk.audio.files.riff_chunks import bext_chunk
from sounddesk.audio.files.riff_chunks import cue_chunks
from sounddesk.audio.files.riff_chunks import ixml_chunk
from sounddesk.audio.files.riff_chunks import smpl_chunk
from sounddesk.audio.files.riff_chunks import xml_text
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.timeline_mix import PROJECT_RATE_HZ
from sounddesk.audio.timeline_mix import frames_of
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import Marker


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What a file says of itself.

    Attributes:
        plan, file: what it is.
        project: markers and timecode are its.
        takes: facts of the takes in it, as `take_facts` gives them.
        loop: frames of 48 kHz from its start, both included, that may go round for ever; None where it is no loop.
    """

    plan: ExportPlan
    file: PlannedFile
    project: Project
    takes: Sequence[dict[str, Any]]
    loop: tuple[int, int] | None = None

    def at_rate(self, frame: int) -> int:
        """A frame of 48 kHz as one of the file's rate."""
        return round(frame * self.plan.settings.sample_rate_hz / PROJECT_RATE_HZ)

    @property
    def time_reference(self) -> int:
        """Samples since midnight at which the file begins; a raw take begins nowhere, so at the timeline's start."""
        start = frames_of(self.project.settings.start_timecode_s) + self.file.start_frame
        return self.at_rate(max(0, start))

    @property
    def markers(self) -> list[Marker]:
        """Markers within the file that concern its object or all of them."""
        if self.file.what == "take":
            return []
        first, last = self.file.start_frame, self.file.start_frame + self.file.frames
        return [
            marker
            for marker in self.project.markers
            if first <= frames_of(marker.time_s) < last
            and (self.file.object_id is None or marker.object_id in (None, self.file.object_id))
        ]


def bext_of(facts: FileFacts, reading: LoudnessReading | None) -> bytes:
    """The `bext` chunk; of equal length with and without a reading."""
    plan, file = facts.plan, facts.file
    channels = "stereo" if plan.n_channels == 2 else "mono"
    bits = {"PCM_16": 16, "PCM_24": 24, "FLOAT": 32}[plan.format.grid]
    # EBU R 98: one line per step of the signal's history.
    history = []
    for rate, bundle in dict.fromkeys((fact["sample_rate_hz"], fact["bundle"]) for fact in facts.takes):
        history.append(f"A=PCM,F={rate},M=mono,T={_plain(bundle)} generated")
    dithered = ";TPDF dither" if bits == 16 and plan.settings.dither else ""
    history.append(
        f"A=PCM,F={plan.settings.sample_rate_hz},W={bits},M={channels},T=sounddesk {sounddesk.__version__}{dithered}"
    )
    lufs = None if reading is None else reading
    info = BroadcastInfo(
        description=summary(file, facts.takes),
        originator=f"sounddesk {sounddesk.__version__}",
        originator_reference=_reference(facts),
        date=plan.created.strftime("%Y-%m-%d"),
        time=plan.created.strftime("%H:%M:%S"),
        time_reference_samples=facts.time_reference,
        loudness_lufs=None if lufs is None else _finite(lufs.integrated_lufs),
        loudness_range_lu=None if lufs is None else _finite(lufs.loudness_range_lu),
        true_peak_dbtp=None if lufs is None else _finite(lufs.true_peak_dbtp),
        max_momentary_lufs=None if lufs is None else _finite(lufs.max_momentary_lufs),
        max_short_term_lufs=None if lufs is None else _finite(lufs.max_short_term_lufs),
        coding_history="\r\n".join(history),
    )
    return bext_chunk(info)


def tail_chunks(facts: FileFacts) -> bytes:
    """`cue `, labels, `smpl` and `iXML`: what may stand behind the samples."""
    plan, file = facts.plan, facts.file
    rate = plan.settings.sample_rate_hz
    points = [
        CuePoint(frame=facts.at_rate(frames_of(marker.time_s) - file.start_frame), label=marker.label)
        for marker in facts.markers
    ]
    loops = []
    if facts.loop is not None:
        first, last = facts.loop
        loops.append(SampleLoop(start_frame=facts.at_rate(first), end_frame=facts.at_rate(last + 1) - 1))
    name = file.title
    tracks = [f"{name} L", f"{name} R"] if plan.n_channels == 2 else [name]
    numbers = [str(fact["take"]) for fact in facts.takes]
    ixml = ixml_chunk(
        project=plan.project_name,
        scene=facts.project.image.name if facts.project.image is not None else "",
        take=numbers[0] if len(set(numbers)) == 1 else "",
        note=summary(file, facts.takes),
        tracks=tracks,
        start_samples=facts.time_reference,
        sample_rate_hz=rate,
        frame_rate=facts.project.settings.frame_rate,
        extra=dict(_own_tags(facts)),
    )
    return cue_chunks(points) + smpl_chunk(loops, sample_rate_hz=rate) + ixml


def write_comments(path: Path, facts: FileFacts, reading: LoudnessReading | None) -> None:
    """Vorbis comments into a complete FLAC or OGG file; markers as CHAPTERxxx."""
    plan, file = facts.plan, facts.file
    licences = list(dict.fromkeys(str(fact["licence"]) for fact in facts.takes))
    tags = {
        "TITLE": file.title,
        "ALBUM": plan.project_name,
        "DATE": plan.created.strftime("%Y-%m-%d"),
        "DESCRIPTION": summary(file, facts.takes),
        "ENCODED-BY": f"sounddesk {sounddesk.__version__}",
        "LICENSE": "; ".join(licences),
        "TIME_REFERENCE": str(facts.time_reference),
        **_own_tags(facts),
    }
    for number, marker in enumerate(facts.markers[:999], start=1):
        seconds = marker.time_s - file.start_frame / PROJECT_RATE_HZ
        tags[f"CHAPTER{number:03d}"] = _clock(max(0.0, seconds))
        tags[f"CHAPTER{number:03d}NAME"] = marker.label
    if reading is not None:
        for key, level in (("LOUDNESS_LUFS", reading.integrated_lufs), ("TRUE_PEAK_DBTP", reading.true_peak_dbtp)):
            if _finite(level) is not None:
                tags[key] = f"{level:.2f}"
    opened = mutagen.File(path)
    if opened.tags is None:
        opened.add_tags()
    for key, value in tags.items():
        text = xml_text(value).replace("\0", "")
        if text:
            opened[key] = text
    opened.save()


def _own_tags(facts: FileFacts) -> dict[str, str]:
    """Provenance by key: valid as XML names and as Vorbis comments alike; one line per take."""

    def lines(key: str) -> str:
        return "\n".join(dict.fromkeys(str(fact[key]) for fact in facts.takes if fact[key] not in ("", None)))

    return {
        "SOUNDDESK_WHAT": facts.file.what,
        "SOUNDDESK_OBJECT": facts.file.title,
        "SOUNDDESK_MODEL": lines("bundle"),
        "SOUNDDESK_MODEL_SHA256": lines("bundle_sha256"),
        "SOUNDDESK_LICENCE": lines("licence"),
        "SOUNDDESK_SEED": lines("seed"),
        "SOUNDDESK_HINT": lines("hint"),
    }


def _reference(facts: FileFacts) -> str:
    """A unique source identifier after EBU R 99: country, organisation, serial, time, random number: 32 characters."""
    text = "|".join((facts.plan.created.isoformat(), facts.plan.project_name, facts.file.name, *facts.file.take_ids))
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    number = int(digest[:12], 16) % 10**9
    return f"ZZSDK{digest[12:24].upper()}{facts.plan.created.strftime('%H%M%S')}{number:09d}"


def _plain(text: str) -> str:
    """Text for a field of the coding history, which commas separate."""
    return text.replace(",", ";").replace("\r", " ").replace("\n", " ")


def _finite(value: float | None) -> float | None:
    return None if value is None or abs(value) == float("inf") else value


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{seconds - whole // 60 * 60:06.3f}"
