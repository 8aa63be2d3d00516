"""Edits that carry along what follows on the same lanes, their curves too: gaps close, and room is made."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from collections.abc import Sequence

from sounddesk.domain.automation import Curve
from sounddesk.domain.automation import CurveKind
from sounddesk.domain.automation import with_time_inserted
from sounddesk.domain.automation import with_time_removed
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import MIN_CLIP_S
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import split


def with_gap_closed(project: Project, clip_ids: Iterable[str]) -> Project:
    """Without some clips; what follows on their lanes comes forward by the time in which nothing sounds any more."""
    gone = set(clip_ids)
    removed = [clip for clip in project.clips if clip.id in gone]
    left = project.without_clips(gone)
    for object_id in {clip.object_id for clip in removed}:
        kept = left.clips_of(object_id)
        gaps = _without(
            [(clip.start_s, clip.end_s) for clip in removed if clip.object_id == object_id],
            [(clip.start_s, clip.end_s) for clip in kept],
        )
        for clip in kept:
            closed_s = sum(min(end, clip.start_s) - start for start, end in gaps if start < clip.start_s)
            if closed_s > 0.0:
                left = left.with_clip(dataclasses.replace(clip, start_s=max(0.0, clip.start_s - closed_s)))
        last_s = max((clip.start_s for clip in kept), default=0.0)
        # The last one first, so that the times of the others stay right.
        for start, end in reversed(gaps):
            if start < last_s:
                left = _with_curves_moved(left, object_id, from_s=end, by_s=start - end)
    return left


def with_room_made(project: Project, object_ids: Iterable[str], *, at_s: float, by_s: float) -> Project:
    """What begins at a time or later on some lanes comes later by `by_s`; a clip that sounds there is cut there.

    Looped clips are not cut: they stay where they begin.
    """
    for object_id in dict.fromkeys(object_ids):
        if any(clip.end_s > at_s + 1e-9 for clip in project.clips_of(object_id)):
            project = _with_curves_moved(project, object_id, from_s=at_s, by_s=by_s)
        for clip in project.clips_of(object_id):
            moved = clip
            if clip.start_s + MIN_CLIP_S <= at_s <= clip.end_s - MIN_CLIP_S and not clip.looped:
                project, new_id = project.with_new_id("c")
                kept, moved = split(clip, at_s=at_s, new_id=new_id)
                project = project.with_clip(kept)
            elif clip.start_s < at_s - 1e-9:
                continue
            project = project.with_clip(dataclasses.replace(moved, start_s=moved.start_s + by_s))
    return project


def with_lanes_moved(project: Project, before: Project, clips: Sequence[Clip], by_s: float) -> Project:
    """The curves of the lanes of `clips` as they were `before`, from the first of the clips on moved by `by_s`.

    Backwards no further than the clips can go, whose first one stops at 0.
    """
    by_s = max(by_s, -min((clip.start_s for clip in clips), default=0.0))
    for object_id in dict.fromkeys(clip.object_id for clip in clips):
        strip = before.object(object_id).strip
        project = project.with_strip(object_id, volume_curve=strip.volume_curve, pan_curve=strip.pan_curve)
        first_s = min(clip.start_s for clip in clips if clip.object_id == object_id)
        project = _with_curves_moved(project, object_id, from_s=first_s, by_s=by_s)
    return project


def _with_curves_moved(project: Project, object_id: str, *, from_s: float, by_s: float) -> Project:
    """The curves of a lane from a time on later by `by_s`, or earlier, in place of what they did just before."""

    def moved(curve: Curve, kind: CurveKind) -> Curve:
        if by_s < 0.0:
            return with_time_removed(curve, start_s=max(0.0, from_s + by_s), end_s=from_s, kind=kind)
        return with_time_inserted(curve, at_s=from_s, by_s=by_s, kind=kind)

    strip = project.object(object_id).strip
    volume, pan = moved(strip.volume_curve, "volume"), moved(strip.pan_curve, "pan")
    if (volume, pan) == (strip.volume_curve, strip.pan_curve):
        return project
    return project.with_strip(object_id, volume_curve=volume, pan_curve=pan)


def with_followers(project: Project, clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Some clips, and what follows the first of them on each of their lanes."""
    first_s: dict[str, float] = {}
    for clip in clips:
        first_s[clip.object_id] = min(clip.start_s, first_s.get(clip.object_id, clip.start_s))
    chosen = {clip.id for clip in clips}
    following = [
        clip
        for clip in project.clips
        if clip.id not in chosen and clip.start_s >= first_s.get(clip.object_id, float("inf"))
    ]
    return (*clips, *following)


def _without(spans: list[tuple[float, float]], taken: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The parts of spans, each counted once, in which nothing of `taken` lies."""
    edges = sorted({edge for span in (*spans, *taken) for edge in span})
    pieces = itertools.pairwise(edges)
    return [
        (start, end)
        for start, end in pieces
        if any(a <= start and end <= b for a, b in spans) and not any(a <= start and end <= b for a, b in taken)
    ]
