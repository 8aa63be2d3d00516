"""Clips and markers on the timeline, and pure edits of them. Times are seconds from the start of the timeline."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from dataclasses import field
from typing import Final
from typing import Literal

from sounddesk.domain.automation import Curve
from sounddesk.domain.automation import check_curve
from sounddesk.domain.levels import check_gain_db
from sounddesk.domain.limits import TimeS

# Samples of every mix, stem and export of the timeline, unless the user asks for another rate.
PROJECT_RATE_HZ: Final = 48_000

MIN_CLIP_S = 0.01

# How gain rises over a fade in, and falls over a fade out. Two clips that cross keep their level with 'equal_power',
# and with 'linear' or 's' where they play the same sound.
FadeCurve = Literal["linear", "equal_power", "s", "exponential"]
# Clips of older versions have no such keys, and neither have clips that do not use them.
_OMITTED: Final = {"omit_default": True}


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A take placed on its object's lane.

    Attributes:
        id: unique within the project.
        object_id: the lane.
        take_id: what sounds.
        start_s: where it begins on the timeline, at least 0.
        offset_s: how much of the take's beginning is trimmed away.
        duration_s: how long it sounds, at least 10 ms. Past the take's end there is silence, or with `looped` the
            part of the take from `offset_s` on again and again, each seam crossfaded over `loop_crossfade_s`.
        gain_db: on top of the object's fader, -60 to 60.
        fade_in_s, fade_out_s: fades at the clip's ends; together at most `duration_s`.
        fade_in_curve, fade_out_curve: their shapes.
        reversed: the take sounds backwards; `offset_s` is then trimmed off its end.
        envelope: gain in dB along the clip, on top of `gain_db`. Its times count from the beginning of what is played,
            before `offset_s` is trimmed away, so that trimming, moving and splitting leave the points at their sound.

    Raises:
        ValueError: naming the value.
    """

    id: str
    object_id: str
    take_id: str
    start_s: TimeS
    duration_s: TimeS
    offset_s: TimeS = 0.0
    gain_db: float = 0.0
    fade_in_s: TimeS = 0.0
    fade_out_s: TimeS = 0.0
    looped: bool = False
    loop_crossfade_s: TimeS = 0.05
    fade_in_curve: FadeCurve = field(default="equal_power", metadata=_OMITTED)
    fade_out_curve: FadeCurve = field(default="equal_power", metadata=_OMITTED)
    reversed: bool = field(default=False, metadata=_OMITTED)
    envelope: Curve = field(default=(), metadata=_OMITTED)

    def __post_init__(self) -> None:
        check_curve(self.envelope, kind="volume")
        for name in ("start_s", "offset_s", "fade_in_s", "fade_out_s", "loop_crossfade_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} of a clip is {value:g}: it must be at least 0")
        if not (math.isfinite(self.duration_s) and self.duration_s >= MIN_CLIP_S):
            raise ValueError(f"a clip lasts {self.duration_s:g} s: it must last at least {MIN_CLIP_S:g} s")
        if self.fade_in_s + self.fade_out_s > self.duration_s + 1e-9:
            raise ValueError("the fades of a clip are longer than the clip: shorten them")
        check_gain_db(self.gain_db)

    @property
    def end_s(self) -> float:
        """Where it ends on the timeline."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A named moment, such as an impact; `object_id` where it concerns one object only."""

    id: str
    time_s: TimeS
    label: str = ""
    object_id: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.time_s) and self.time_s >= 0.0):
            raise ValueError(f"marker is at {self.time_s:g} s: it must be at least 0")


def resized(clip: Clip, *, start_s: float | None = None, end_s: float | None = None) -> Clip:
    """The clip with its left edge at `start_s` (the sound stays in place, more or less of it is trimmed) and its right
    edge at `end_s`, as far as the take and the minimum length allow. Fades are shortened where they no longer fit.
    """
    start, end, offset = clip.start_s, clip.end_s, clip.offset_s
    if start_s is not None:
        earliest = max(0.0, clip.start_s - clip.offset_s)
        start = min(max(start_s, earliest), clip.end_s - MIN_CLIP_S)
        offset = max(0.0, clip.offset_s + start - clip.start_s)
    if end_s is not None:
        end = max(end_s, start + MIN_CLIP_S)
    duration = max(MIN_CLIP_S, end - start)
    fade_in, fade_out = fitted_fades(clip.fade_in_s, clip.fade_out_s, duration_s=duration)
    return dataclasses.replace(
        clip, start_s=start, duration_s=duration, offset_s=offset, fade_in_s=fade_in, fade_out_s=fade_out
    )


def split(clip: Clip, *, at_s: float, new_id: str) -> tuple[Clip, Clip]:
    """Two clips that together sound as `clip` did; the right one gets `new_id`. Fades at the cut are none.

    Raises:
        ValueError: `at_s` is not inside the clip, or the clip is looped (split it after unlooping: the seam's phase
            belongs to the whole loop).
    """
    if clip.looped:
        raise ValueError("a looped clip cannot be split: turn looping off first")
    if not clip.start_s + MIN_CLIP_S <= at_s <= clip.end_s - MIN_CLIP_S:
        raise ValueError(f"{at_s:.3f} s is not inside the clip ({clip.start_s:.3f} to {clip.end_s:.3f} s)")
    left_s = at_s - clip.start_s
    left_in, _ = fitted_fades(clip.fade_in_s, 0.0, duration_s=left_s)
    _, right_out = fitted_fades(0.0, clip.fade_out_s, duration_s=clip.duration_s - left_s)
    left = dataclasses.replace(clip, duration_s=left_s, fade_in_s=left_in, fade_out_s=0.0)
    right = dataclasses.replace(
        clip,
        id=new_id,
        start_s=at_s,
        offset_s=clip.offset_s + left_s,
        duration_s=clip.duration_s - left_s,
        fade_in_s=0.0,
        fade_out_s=right_out,
    )
    return left, right


def fitted_fades(fade_in_s: float, fade_out_s: float, *, duration_s: float) -> tuple[float, float]:
    """Both fades, shortened in proportion where they do not fit into `duration_s`."""
    total = fade_in_s + fade_out_s
    if total <= duration_s:
        return fade_in_s, fade_out_s
    return fade_in_s * duration_s / total, fade_out_s * duration_s / total
