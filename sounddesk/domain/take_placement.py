"""Where a new take goes on the timeline."""

from __future__ import annotations

import dataclasses

from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import fitted_fades


def with_take_placed(project: Project, object_id: str, take_id: str, take_seconds: float) -> Project:
    """The project with a take on its object's lane.

    A lane with one clip keeps that clip's place and gain and plays the new take in it, as far as it is long enough; an
    empty lane gets a clip at 0. A lane that the user has arranged (several clips) is left as it is. The timeline grows
    where the take is longer.
    """
    clips = project.clips_of(object_id)
    if len(clips) > 1:
        return project
    if not clips:
        numbered, clip_id = project.with_new_id("c")
        clip = Clip(id=clip_id, object_id=object_id, take_id=take_id, start_s=0.0, duration_s=take_seconds)
        return with_room_for_clips(numbered.with_clip(clip))
    return with_room_for_clips(project.with_clip(with_take_swapped(clips[0], take_id, take_seconds)))


def with_take_swapped(clip: Clip, take_id: str, take_seconds: float) -> Clip:
    """The clip playing another take: trimmed to what that take has, in full where the old one was played in full."""
    offset = clip.offset_s if clip.offset_s < take_seconds - 0.01 else 0.0
    rest = take_seconds - offset
    duration = clip.duration_s if clip.looped or (offset > 0.0 and clip.duration_s < rest) else rest
    fade_in, fade_out = fitted_fades(clip.fade_in_s, clip.fade_out_s, duration_s=duration)
    return dataclasses.replace(
        clip, take_id=take_id, offset_s=offset, duration_s=duration, fade_in_s=fade_in, fade_out_s=fade_out
    )
