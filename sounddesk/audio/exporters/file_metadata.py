"""Metadata of an exported file: title, timecode, markers, loop and provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import sounddesk
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import PlannedFile
from sounddesk.audio.exporters.provenance import summary
from sounddesk.audio.formats.audio_metadata import AudioMetadata
from sounddesk.audio.formats.audio_metadata import MarkerPoint
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.placed_clip import frames_of
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker


def metadata_of(
    plan: ExportPlan,
    file: PlannedFile,
    project: Project,
    takes: Sequence[Mapping[str, Any]],
    *,
    loop: tuple[int, int] | None = None,
) -> AudioMetadata:
    """The metadata of one file of an export.

    Args:
        project: markers and timecode are its.
        takes: facts of the takes in the file, as `take_facts` gives them.
        loop: frames of 48 kHz from its start, both included, of a seamless loop; None without one.
    """
    rate = plan.settings.sample_rate_hz

    def at_rate(frame: int) -> int:
        """A frame of 48 kHz as one of the file's rate."""
        return round(frame * rate / PROJECT_RATE_HZ)

    numbers = {str(fact["take"]) for fact in takes}
    # Samples since midnight; a raw take begins nowhere, so at the timeline's start.
    start = frames_of(project.settings.start_timecode_s) + file.start_frame
    return AudioMetadata(
        sample_rate_hz=rate,
        n_channels=plan.n_channels,
        dithered=plan.format.subtype == "PCM_16" and plan.settings.dither,
        title=file.title,
        project=plan.project_name,
        scene=project.image.name if project.image is not None else "",
        take=numbers.pop() if len(numbers) == 1 else "",
        description=summary(file, takes),
        software=f"sounddesk {sounddesk.__version__}",
        reference=_reference(plan, file),
        created=plan.created,
        time_reference=at_rate(max(0, start)),
        timecode_rate=project.settings.timecode_rate,
        markers=tuple(
            MarkerPoint(
                time_s=marker.time_s - file.start_frame / PROJECT_RATE_HZ,
                frame=at_rate(frames_of(marker.time_s) - file.start_frame),
                label=marker.label,
            )
            for marker in _markers(file, project)
        ),
        loop=None if loop is None else (at_rate(loop[0]), at_rate(loop[1] + 1) - 1),
        sources=tuple(dict.fromkeys((fact["sample_rate_hz"], fact["channels"], fact["bundle"]) for fact in takes)),
        licences=tuple(dict.fromkeys(str(fact["licence"]) for fact in takes)),
        own=_own_facts(file, takes),
    )


def loop_of_clip(clip: Clip, samples_of: Callable[[str], Sound | None]) -> tuple[int, int] | None:
    """First and last frame (included) of a seamless loop in a clip's file, at 48 kHz from its start.

    The round begins behind the crossfade and the fade-in, and ends with the crossfade into it. None where the clip is
    not looped, has a gain envelope, or is too short to hold a whole round between its fades.
    """
    samples = samples_of(clip.take_id)
    if not clip.looped or clip.envelope or samples is None:
        return None
    body = len(samples) - frames_of(clip.offset_s)
    crossfade = min(frames_of(clip.loop_crossfade_s), body // 2)
    period = body - crossfade
    start = max(crossfade, frames_of(clip.fade_in_s))
    end = start + period - 1
    if period < 1 or end >= frames_of(clip.end_s) - frames_of(clip.start_s) - frames_of(clip.fade_out_s):
        return None
    return start, end


def _markers(file: PlannedFile, project: Project) -> list[Marker]:
    """Markers within the file that concern its object or all of them."""
    if file.what == "take":
        return []
    first, last = file.start_frame, file.start_frame + file.frames
    return [
        marker
        for marker in project.markers
        if first <= frames_of(marker.time_s) < last
        and (file.object_id is None or marker.object_id in (None, file.object_id))
    ]


def _own_facts(file: PlannedFile, takes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Provenance by key; one line per take."""

    def lines(key: str) -> str:
        return "\n".join(dict.fromkeys(str(fact[key]) for fact in takes if fact[key] not in ("", None)))

    return {
        "SOUNDDESK_WHAT": file.what,
        "SOUNDDESK_OBJECT": file.title,
        "SOUNDDESK_MODEL": lines("bundle"),
        "SOUNDDESK_MODEL_SHA256": lines("bundle_sha256"),
        "SOUNDDESK_LICENCE": lines("licence"),
        "SOUNDDESK_SEED": lines("seed"),
        "SOUNDDESK_HINT": lines("hint"),
        **_recording_facts(takes),
    }


def _recording_facts(takes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The recordings in the file, a line each: name, originator, licence, hash; nothing without any."""
    found = [each for fact in takes for each in fact.get("recordings", ())]
    keys = ("file", "originator", "originator_reference", "licence", "sha256")
    lines = ("; ".join(f"{key}: {each[key]}" for key in keys if each.get(key)) for each in found)
    text = "\n".join(dict.fromkeys(lines))
    return {"SOUNDDESK_RECORDINGS": text} if text else {}


def _reference(plan: ExportPlan, file: PlannedFile) -> str:
    """A unique source identifier after EBU R 99: country, organisation, serial, time, random number: 32 characters."""
    text = "|".join((plan.created.isoformat(), plan.project_name, file.name, *file.take_ids))
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    number = int(digest[:12], 16) % 10**9
    return f"ZZSDK{digest[12:24].upper()}{plan.created.strftime('%H%M%S')}{number:09d}"
