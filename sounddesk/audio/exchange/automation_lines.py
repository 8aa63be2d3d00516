"""Curves of volume and pan as other programs draw them: straight lines of amplitude, and of pan."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from sounddesk.audio.gain_curves import curve_values
from sounddesk.audio.placed_clip import frames_of
from sounddesk.domain.automation import Curve

# Straight lines that stand for one of sounddesk's, which bends in amplitude: at most 0.2 dB beside it above -40 dB.
_LINES: Final = 12

# Seconds and amplitude factor, or pan from -1 to 1.
Line = list[tuple[float, float]]


def volume_line(curve: Curve, *, fader: float = 1.0) -> Line:
    """Points of amplitude, times the fader's; none where the curve has none."""
    times = [point.time_s for point in curve[:1]]
    for before, after in itertools.pairwise(curve):
        steps = _LINES if before.value != after.value else 1
        times += list(np.linspace(before.time_s, after.time_s, steps + 1)[1:])
    if not times:
        return []
    frames = np.array([frames_of(time_s) for time_s in times])
    return [
        (float(time_s), float(value) * fader)
        for time_s, value in zip(times, curve_values(curve, frames, kind="volume"), strict=True)
    ]


def pan_line(curve: Curve) -> Line:
    """Points of pan; none where the curve has none."""
    return [(point.time_s, point.value) for point in curve]
