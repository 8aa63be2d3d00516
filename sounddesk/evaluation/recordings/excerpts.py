"""Excerpts that are compared: the loudest part, equally long and equally loud on both sides, in one band."""

from __future__ import annotations

from typing import Final
from typing import Literal
from typing import get_args

import numpy as np

from sounddesk.audio.resample import resample
from sounddesk.engine.types import Waveform

EXCERPT_S: Final = 2.56

Band = Literal["16 kHz", "full"]
BANDS: Final[tuple[Band, ...]] = get_args(Band)
BAND_RATE_HZ: Final[dict[Band, int]] = {"16 kHz": 16_000, "full": 44_100}
"""Both sides are brought to this rate, the lower of which cuts both bands at 8 kHz."""

_QUIETEST: Final = 1e-9


def loudest_excerpt(waveform: Waveform, *, sample_rate_hz: int) -> Waveform:
    """The loudest `EXCERPT_S` of a sound float32[n] at a peak of 1; all of a shorter one."""
    part = loudest_part(waveform, n_samples=round(EXCERPT_S * sample_rate_hz))
    return np.asarray(part / max(float(np.abs(part).max(initial=0.0)), _QUIETEST), dtype=np.float32)


def in_band(waveform: Waveform, *, sample_rate_hz: int, band: Band) -> Waveform:
    """At the band's rate."""
    return resample(waveform, from_hz=sample_rate_hz, to_hz=BAND_RATE_HZ[band])


def matched(made: Waveform, real: Waveform) -> Waveform:
    """The loudest part of `made` that is as long as `real`, as loud as it (RMS); both float32[n] at one rate.

    A made sound that is shorter stays so. Silence stays silence.
    """
    part = loudest_part(made, n_samples=len(real))
    level = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
    wanted = float(np.sqrt(np.mean(np.square(real, dtype=np.float64))))
    if level < _QUIETEST:
        return part
    return np.asarray(part * (wanted / level), dtype=np.float32)


def loudest_part(samples: Waveform, *, n_samples: int) -> Waveform:
    """The stretch of `n_samples` with the most energy (the first of several), or all where there are no more."""
    if len(samples) <= n_samples:
        return samples
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[n_samples:] - energy[:-n_samples]))
    return samples[start : start + n_samples]
