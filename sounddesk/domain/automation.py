"""Curves over time, drawn by points: gain along a clip, volume and pan along a lane. Between points they are lines.

A line of gain is straight where it is drawn: on the cube root of the amplitude, as a fader is marked. So it reaches
silence smoothly, which a line in decibels never does.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from typing import Literal

from sounddesk.domain.limits import TimeS

# A steeper step would click.
MIN_POINT_GAP_S: Final = 0.005
# The range of gain that can be drawn; the bottom is silent.
MIN_CURVE_DB, MAX_CURVE_DB = -60.0, 12.0

CurveKind = Literal["volume", "pan"]


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A value at a time: a gain in dB, -60 (silent) to 12, or a pan, -1 (left) to 1 (right)."""

    time_s: TimeS
    value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.time_s) and self.time_s >= 0.0):
            raise ValueError(f"point of a curve is at {self.time_s:g} s: it must be at least 0")
        if not math.isfinite(self.value):
            raise ValueError(f"point of a curve has the value {self.value:g}: it must be finite")


Curve = tuple[CurvePoint, ...]


def check_curve(curve: Curve, *, kind: CurveKind) -> None:
    """Refuse points that are out of order or too close, and values beyond the range of their kind.

    Raises:
        ValueError: naming the value and the remedy.
    """
    low, high = curve_range(kind)
    for before, after in itertools.pairwise(curve):
        # Times that were rounded on their way are no reason to refuse.
        if after.time_s - before.time_s < MIN_POINT_GAP_S - 1e-6:
            raise ValueError(
                f"points of a curve are at {before.time_s:g} and {after.time_s:g} s: put them in order, at least "
                f"{MIN_POINT_GAP_S * 1000:g} ms apart"
            )
    for point in curve:
        if not low <= point.value <= high:
            raise ValueError(f"point of a {kind} curve has the value {point.value:g}: choose from {low:g} to {high:g}")


def curve_range(kind: CurveKind) -> tuple[float, float]:
    """The lowest and the highest value."""
    return (MIN_CURVE_DB, MAX_CURVE_DB) if kind == "volume" else (-1.0, 1.0)


def share_of(value: float, *, kind: CurveKind) -> float:
    """How high a value is drawn, 0 (lowest) to 1; between points, curves are straight in this."""
    low, high = curve_range(kind)
    if kind == "pan":
        return (value - low) / (high - low)
    return 0.0 if value <= low else float(10.0 ** ((value - high) / 60.0))


def value_of(share: float, *, kind: CurveKind) -> float:
    """The value drawn at a height from 0 to 1: the inverse of `share_of`."""
    low, high = curve_range(kind)
    share = min(1.0, max(0.0, share))
    if kind == "pan":
        return low + share * (high - low)
    return low if share <= 0.0 else max(low, high + 60.0 * math.log10(share))


def value_at(curve: Curve, time_s: float, *, kind: CurveKind) -> float:
    """The value of a curve at a time; 0 (unchanged gain, centre) where it has no points.

    Example:
        >>> ends = (CurvePoint(time_s=0.0, value=-1.0), CurvePoint(time_s=2.0, value=1.0))
        >>> value_at(ends, 1.5, kind="pan")
        0.5
    """
    if not curve:
        return 0.0
    if time_s <= curve[0].time_s:
        return curve[0].value
    for before, after in itertools.pairwise(curve):
        if time_s < after.time_s:
            part = (time_s - before.time_s) / (after.time_s - before.time_s)
            low, high = share_of(before.value, kind=kind), share_of(after.value, kind=kind)
            return value_of(low + part * (high - low), kind=kind)
    return curve[-1].value


def with_point(curve: Curve, point: CurvePoint) -> Curve:
    """With one more point; it takes the place of one that is too close."""
    others = [each for each in curve if abs(each.time_s - point.time_s) >= MIN_POINT_GAP_S]
    return tuple(sorted((*others, point), key=lambda each: each.time_s))


def with_point_moved(curve: Curve, index: int, point: CurvePoint) -> Curve:
    """With the point `index` moved, as far as its neighbours let it."""
    earliest = curve[index - 1].time_s + MIN_POINT_GAP_S if index > 0 else 0.0
    latest = curve[index + 1].time_s - MIN_POINT_GAP_S if index + 1 < len(curve) else math.inf
    moved = dataclasses.replace(point, time_s=max(earliest, min(point.time_s, latest)))
    return (*curve[:index], moved, *curve[index + 1 :])


def without_points(curve: Curve, indices: Iterable[int]) -> Curve:
    """Without some of its points."""
    gone = set(indices)
    return tuple(point for index, point in enumerate(curve) if index not in gone)


def with_time_inserted(curve: Curve, *, at_s: float, by_s: float, kind: CurveKind) -> Curve:
    """What a curve does from a time on comes later by `by_s`; until then it keeps the value that it had there."""
    before = [point for point in curve if point.time_s < at_s]
    after = [dataclasses.replace(point, time_s=point.time_s + by_s) for point in curve if point.time_s >= at_s]
    if by_s <= 0.0 or not after:
        return curve
    held = value_at(curve, at_s, kind=kind)
    if before and before[-1].value != after[0].value:
        before = _with_next(before, CurvePoint(time_s=at_s, value=held))
        before = _with_next(before, CurvePoint(time_s=at_s + by_s, value=held))
    return _joined(before, after)


def with_time_removed(curve: Curve, *, start_s: float, end_s: float, kind: CurveKind) -> Curve:
    """Without a span of time: what a curve does from `end_s` on comes at once after what it does until `start_s`."""
    before = [point for point in curve if point.time_s < start_s]
    gone = [point for point in curve if start_s <= point.time_s < end_s]
    after = [dataclasses.replace(p, time_s=start_s + (p.time_s - end_s)) for p in curve if p.time_s >= end_s]
    left, right = value_at(curve, start_s, kind=kind), value_at(curve, end_s, kind=kind)
    if gone or left != right:
        before = _with_next(before, CurvePoint(time_s=start_s, value=left))
    if left != right:
        before = _with_next(before, CurvePoint(time_s=start_s + MIN_POINT_GAP_S, value=right))
    return _joined(before, after)


def _with_next(points: list[CurvePoint], point: CurvePoint) -> list[CurvePoint]:
    """With one more point behind the others, unless it is too close."""
    return [*points, point] if not points or point.time_s - points[-1].time_s >= MIN_POINT_GAP_S else points


def _joined(before: list[CurvePoint], after: list[CurvePoint]) -> Curve:
    """One behind the other; of the later ones those go that are too close."""
    return (*before, *(p for p in after if not before or p.time_s - before[-1].time_s >= MIN_POINT_GAP_S))


def mirrored(curve: Curve, *, seconds: float) -> Curve:
    """Backwards in time: what was at 0 is at `seconds`. Points that would lie before 0 are dropped."""
    turned = [
        dataclasses.replace(each, time_s=round(seconds - each.time_s, 9)) for each in curve if each.time_s <= seconds
    ]
    return tuple(reversed(turned))
