"""Gain over time: shapes of fades, and curves drawn by points. Every sample depends on its own position alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.automation import Curve
from sounddesk.domain.automation import CurveKind
from sounddesk.domain.automation import share_of
from sounddesk.domain.automation import value_of
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import FadeCurve

Float64 = npt.NDArray[np.float64]

# An exponential fade begins 40 dB down; it reaches silence, as every fade does.
_EXPONENTIAL: Final = math.log(100.0)

# Gain by how much of a fade in has passed, 0 to 1.
FADE_SHAPES: Final[Mapping[FadeCurve, Callable[[Float64], Float64]]] = {
    "linear": lambda passed: passed,
    "equal_power": lambda passed: np.sin(passed * (math.pi / 2)),
    "s": lambda passed: 0.5 - 0.5 * np.cos(passed * math.pi),
    "exponential": lambda passed: np.expm1(passed * _EXPONENTIAL) / math.expm1(_EXPONENTIAL),
}


def curve_values(curve: Curve, frames: npt.NDArray[np.integer], *, kind: CurveKind) -> Float64:
    """Amplitude factors of a volume curve, or pans of a pan curve, at frames of the project rate, float64[n].

    Raises:
        ValueError: the curve has no points.
    """
    times = [point.time_s for point in curve]
    shares = np.interp(frames / PROJECT_RATE_HZ, times, [share_of(point.value, kind=kind) for point in curve])
    if kind == "pan":
        return np.asarray(2.0 * shares - 1.0)
    top = 10.0 ** (value_of(1.0, kind=kind) / 20.0)
    return np.asarray(shares * shares * shares * top)
