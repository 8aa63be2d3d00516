"""Where the file of a looped clip may go round for ever without a seam."""

from __future__ import annotations

from collections.abc import Callable

from sounddesk.audio.timeline_mix import Mono
from sounddesk.audio.timeline_mix import frames_of
from sounddesk.domain.timeline import Clip


def loop_of_clip(clip: Clip, samples_of: Callable[[str], Mono | None]) -> tuple[int, int] | None:
    """First and last frame (included) of one round, at 48 kHz from the start of the clip.

    The round begins behind the crossfade and the fade-in, and ends with the crossfade into it. None where the clip is
    not looped or too short to hold a whole round between its fades.
    """
    samples = samples_of(clip.take_id)
    if not clip.looped or samples is None:
        return None
    body = len(samples) - frames_of(clip.offset_s)
    crossfade = min(frames_of(clip.loop_crossfade_s), body // 2)
    period = body - crossfade
    start = max(crossfade, frames_of(clip.fade_in_s))
    end = start + period - 1
    if period < 1 or end >= frames_of(clip.end_s) - frames_of(clip.start_s) - frames_of(clip.fade_out_s):
        return None
    return start, end
