"""Edits that carry along what follows on the same lanes: gaps close, and room is made."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from collections.abc import Sequence

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
    return left


def with_room_made(project: Project, object_ids: Iterable[str], *, at_s: float, by_s: float) -> Project:
    """What begins at a time or later on some lanes comes later by `by_s`; a clip that sounds there is cut there.

    Looped clips are not cut: they stay where they begin.
    """
    for object_id in dict.fromkeys(object_ids):
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
