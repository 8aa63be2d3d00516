"""What the user does with clips on the timeline, as pure functions from one project to the next."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable
from collections.abc import Sequence

from sounddesk.domain.automation import mirrored
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import MIN_CLIP_S
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import fitted_fades


def snapped(time_s: float, targets: Iterable[float], *, within_s: float) -> float | None:
    """The target nearest to a time, if one is near enough."""
    nearest = min(targets, key=lambda target: abs(target - time_s), default=None)
    return nearest if nearest is not None and abs(nearest - time_s) <= within_s else None


def snap_targets(project: Project, *, without: Iterable[str] = ()) -> tuple[float, ...]:
    """Where things snap to: ends of the timeline, markers, and edges of all clips but those of the ids `without`."""
    left_out = set(without)
    edges = [edge for clip in project.clips if clip.id not in left_out for edge in (clip.start_s, clip.end_s)]
    return tuple(sorted({0.0, project.settings.timeline_s, *edges, *(marker.time_s for marker in project.markers)}))


def with_clips_moved(project: Project, clips: Sequence[Clip], by_s: float) -> Project:
    """With `clips`, as they were before the drag, shifted together; none of them before 0."""
    by_s = max(by_s, -min((clip.start_s for clip in clips), default=0.0))
    for clip in clips:
        project = project.with_clip(dataclasses.replace(clip, start_s=max(0.0, clip.start_s + by_s)))
    return project


def with_fades(clip: Clip, *, fade_in_s: float | None = None, fade_out_s: float | None = None) -> Clip:
    """With one fade or both of another length, from none to what the other one leaves of the clip."""
    if fade_in_s is not None:
        fade_in_s = min(max(0.0, fade_in_s), clip.duration_s - (clip.fade_out_s if fade_out_s is None else 0.0))
        clip = dataclasses.replace(
            clip, fade_in_s=fade_in_s, fade_out_s=min(clip.fade_out_s, clip.duration_s - fade_in_s)
        )
    if fade_out_s is not None:
        clip = dataclasses.replace(clip, fade_out_s=min(max(0.0, fade_out_s), clip.duration_s - clip.fade_in_s))
    return clip


def with_clips_pasted(project: Project, clips: Sequence[Clip], *, at_s: float) -> tuple[Project, tuple[str, ...]]:
    """With copies of `clips`, the first of them at `at_s` and the others as far behind it as they were; the new ids.

    Clips whose lane is gone are left out.
    """
    lanes = {each.id for each in project.objects}
    clips = [clip for clip in clips if clip.object_id in lanes]
    first_s = min((clip.start_s for clip in clips), default=0.0)
    made = []
    for clip in clips:
        project, clip_id = project.with_new_id("c")
        start_s = max(0.0, at_s) + clip.start_s - first_s
        project = project.with_clip(dataclasses.replace(clip, id=clip_id, start_s=start_s))
        made.append(clip_id)
    return project, tuple(made)


def with_clips_duplicated(project: Project, clip_ids: Iterable[str]) -> tuple[Project, tuple[str, ...]]:
    """With copies right behind the clips, in the same rhythm; the new ids."""
    clips = [project.clip(each) for each in clip_ids]
    return with_clips_pasted(project, clips, at_s=max((clip.end_s for clip in clips), default=0.0))


def with_clip_at_markers(project: Project, pattern: Clip, *, peak_s: float) -> Project:
    """With the pattern's lane cleared and a copy of it at each marker of all objects or of its own, so that the moment
    `peak_s` after the clip's start falls on the marker: a still cannot time an impact, so the artist does (paper,
    limitations). A copy that would begin before 0 loses its beginning instead of coming late. Copies do not overlap:
    each begins at the earliest halfway from the marker before it, and ends where the next one begins.

    Raises:
        ValueError: no marker concerns the lane, or `peak_s` is outside the clip.
    """
    if not 0.0 <= peak_s <= pattern.duration_s:
        raise ValueError(f"{peak_s:.3f} s is outside the clip, which lasts {pattern.duration_s:.3f} s")
    times_s = sorted({m.time_s for m in project.markers if m.object_id in (None, pattern.object_id)})
    if not times_s:
        raise ValueError("there is no marker to place it at: set one with Shift+M")
    project = project.without_clips(clip.id for clip in project.clips_of(pattern.object_id))
    halfway_s = [0.0, *((a + b) / 2 for a, b in itertools.pairwise(times_s))]
    starts_s = [max(time_s - peak_s, first_s) for time_s, first_s in zip(times_s, halfway_s, strict=True)]
    for time_s, begin_s, next_s in zip(times_s, starts_s, [*starts_s[1:], math.inf], strict=True):
        project, clip_id = project.with_new_id("c")
        start_s = time_s - peak_s
        cut_s = min(max(0.0, begin_s - start_s), pattern.duration_s - MIN_CLIP_S)
        duration_s = max(MIN_CLIP_S, min(pattern.duration_s - cut_s, next_s - begin_s))
        fade_in_s, fade_out_s = fitted_fades(
            max(0.0, pattern.fade_in_s - cut_s), pattern.fade_out_s, duration_s=duration_s
        )
        placed = dataclasses.replace(
            pattern,
            id=clip_id,
            start_s=begin_s,
            offset_s=pattern.offset_s + cut_s,
            duration_s=duration_s,
            fade_in_s=fade_in_s,
            fade_out_s=fade_out_s,
        )
        project = project.with_clip(placed)
    return project


def with_room_for_clips(project: Project) -> Project:
    """With a timeline at least as long as its last clip, up to an hour, so that no clip is cut off unseen."""
    end_s = min(3600.0, max((clip.end_s for clip in project.clips), default=0.0))
    return project.with_settings(timeline_s=end_s) if end_s > project.settings.timeline_s + 1e-9 else project


def with_length_of_clips(project: Project) -> Project:
    """With a timeline exactly as long as its last clip, at least a second."""
    end_s = max((clip.end_s for clip in project.clips), default=project.settings.timeline_s)
    return project.with_settings(timeline_s=min(3600.0, max(1.0, end_s)))


def with_clip_reversed(clip: Clip, *, take_seconds: float) -> Clip:
    """The same part of its take backwards; forwards where it was backwards. Fades stay at their ends of the clip.

    A loop keeps what is trimmed off its beginning, of the take backwards then.
    """
    offset_s = clip.offset_s if clip.looped else max(0.0, round(take_seconds - clip.offset_s - clip.duration_s, 9))
    envelope = mirrored(clip.envelope, seconds=max(take_seconds, clip.offset_s + clip.duration_s))
    return dataclasses.replace(clip, reversed=not clip.reversed, offset_s=offset_s, envelope=envelope)
