"""Where clips of one lane overlap, the earlier one fades out while the later one fades in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sounddesk.domain.timeline import Clip


class Fades(NamedTuple):
    """Seconds of a clip's fades."""

    in_s: float
    out_s: float


def fades_of_lane(clips: Iterable[Clip], *, crossfades: bool) -> dict[str, Fades]:
    """The fades with which clips of one lane sound, by id: their own, or longer where they cross with a neighbour.

    Clips cross where one begins and ends later than the other. One that lies wholly inside another sounds on top of it.

    Args:
        crossfades: False leaves every clip its own fades, so that overlapping clips simply add up.

    Example:
        >>> first = Clip(id="c1", object_id="o", take_id="t", start_s=0.0, duration_s=2.0)
        >>> second = Clip(id="c2", object_id="o", take_id="t", start_s=1.5, duration_s=2.0, fade_out_s=0.1)
        >>> fades_of_lane([first, second], crossfades=True)["c1"]
        Fades(in_s=0.0, out_s=0.5)
    """
    order = sorted(clips, key=lambda clip: (clip.start_s, clip.id))
    found = {clip.id: Fades(clip.fade_in_s, clip.fade_out_s) for clip in order}
    if not crossfades:
        return found
    for index, earlier in enumerate(order):
        for later in order[index + 1 :]:
            overlap_s = earlier.end_s - later.start_s
            if overlap_s <= 0.0:
                break
            if later.start_s > earlier.start_s and later.end_s > earlier.end_s:
                found[earlier.id] = found[earlier.id]._replace(out_s=max(found[earlier.id].out_s, overlap_s))
                found[later.id] = found[later.id]._replace(in_s=max(found[later.id].in_s, overlap_s))
    return found


def overlap(clips: Iterable[Clip]) -> bool:
    """Whether any two clips of one lane sound at the same time."""
    ends: dict[str, float] = {}
    for clip in sorted(clips, key=lambda each: each.start_s):
        if clip.start_s < ends.get(clip.object_id, 0.0) - 1e-6:
            return True
        ends[clip.object_id] = max(ends.get(clip.object_id, 0.0), clip.end_s)
    return False
