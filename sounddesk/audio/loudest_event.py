"""Where the loudest event of a sound begins, peaks and ends."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

# An envelope of largest samples, a value for so many seconds.
_STEP_S: Final = 0.01
_QUIET: Final = 10 ** (-36 / 20)
# Quiet for so long, and the event is over.
_BEFORE_S: Final = 0.05
_AFTER_S: Final = 0.2


def loudest_event_s(samples: npt.NDArray[np.float32], *, sample_rate_hz: int) -> tuple[float, float, float]:
    """Begin, peak and end in seconds of the loudest event in float32[n]: around the largest sample, up to where it
    stays 36 dB below that for 50 ms before and 200 ms behind it.

    Example:
        >>> sound = np.zeros(48_000, np.float32)
        >>> sound[24_000:24_480] = 0.5
        >>> [round(each, 2) for each in loudest_event_s(sound, sample_rate_hz=48_000)]
        [0.5, 0.5, 0.51]
    """
    if not len(samples) or not np.abs(samples).max():
        return 0.0, 0.0, len(samples) / sample_rate_hz
    peak = int(np.abs(samples).argmax())
    step = max(1, round(_STEP_S * sample_rate_hz))
    envelope = np.maximum.reduceat(np.abs(samples), np.arange(0, len(samples), step))
    loud = np.flatnonzero(envelope >= envelope.max() * _QUIET)
    middle = int(np.searchsorted(loud, peak // step))
    first, last = middle, middle
    while first > 0 and loud[first] - loud[first - 1] <= _BEFORE_S / _STEP_S:
        first -= 1
    while last + 1 < len(loud) and loud[last + 1] - loud[last] <= _AFTER_S / _STEP_S:
        last += 1
    begin, end = int(loud[first]) * step, min(len(samples), (int(loud[last]) + 1) * step)
    return begin / sample_rate_hz, peak / sample_rate_hz, end / sample_rate_hz
