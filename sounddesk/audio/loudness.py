"""How loud a sound is: sample peak, true peak, RMS and integrated loudness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import pyloudnorm
from scipy.signal import resample_poly

from sounddesk.audio.mixing import linear_to_db
from sounddesk.audio.pcm import check_samples

# One gating block of ITU-R BS.1770-4; a shorter sound has no integrated loudness.
MIN_LOUDNESS_S: Final = 0.4
_OVERSAMPLING: Final = 4


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Levels of one sound; minus infinity is digital silence.

    Attributes:
        peak_dbfs: largest absolute sample.
        true_peak_dbtp: largest absolute value between samples too (4x oversampled, ITU-R BS.1770-4 annex 2).
        rms_dbfs: root mean square over all channels, relative to a full-scale square wave.
        lufs: integrated loudness (ITU-R BS.1770-4, EBU R 128); None where the sound is shorter than 400 ms,
            minus infinity where nothing passes the gate of -70 LUFS.
    """

    peak_dbfs: float
    true_peak_dbtp: float
    rms_dbfs: float
    lufs: float | None


def measure_levels(samples: npt.NDArray[np.floating[Any]], *, sample_rate_hz: int) -> Levels:
    """Levels of float[n] or float[n, channels].

    Raises:
        ValueError: no samples or not finite, or a rate that is not positive.
    """
    check_samples(samples)
    if sample_rate_hz <= 0:
        raise ValueError(f"sample rate is {sample_rate_hz} Hz: it must be positive")
    wide = samples.astype(np.float64)
    return Levels(
        peak_dbfs=linear_to_db(float(np.abs(wide).max())),
        true_peak_dbtp=linear_to_db(true_peak(wide)),
        rms_dbfs=linear_to_db(float(np.sqrt(np.mean(np.square(wide))))),
        lufs=integrated_loudness(wide, sample_rate_hz=sample_rate_hz),
    )


def true_peak(samples: npt.NDArray[np.floating[Any]]) -> float:
    """Largest absolute value of the signal through the samples, linear (4x oversampled; BS.1770-4 annex 2).

    Never below the sample peak, which the interpolation filter alone would miss by a hair.
    """
    check_samples(samples)
    oversampled = resample_poly(samples.astype(np.float64), _OVERSAMPLING, 1, axis=0)
    return max(float(np.abs(oversampled).max()), float(np.abs(samples).max()))


def integrated_loudness(samples: npt.NDArray[np.floating[Any]], *, sample_rate_hz: int) -> float | None:
    """Integrated loudness in LUFS; None under 400 ms, minus infinity for silence (BS.1770-4, two gates)."""
    check_samples(samples)
    if len(samples) < math.ceil(MIN_LOUDNESS_S * sample_rate_hz):
        return None
    return float(pyloudnorm.Meter(sample_rate_hz).integrated_loudness(samples.astype(np.float64)))
