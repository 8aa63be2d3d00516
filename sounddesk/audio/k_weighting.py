"""The K-weighting filter of ITU-R BS.1770-4, block by block, at any sample rate."""

from __future__ import annotations

import math
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

# The standard tabulates the coefficients for 48 kHz only (annex 1, tables 1 and 2). These are the analogue values
# behind the tables: with the bilinear transform they give them back to ten digits, and the same filter at other rates.
_SHELF_HZ: Final = 1681.974450955533
_SHELF_GAIN_DB: Final = 3.999843853973347
_SHELF_Q: Final = 0.7071752369554196
_SHELF_SLOPE: Final = 0.4996667741545416
_HIGH_PASS_HZ: Final = 38.13547087602444
_HIGH_PASS_Q: Final = 0.5003270373238773
# Below this a filter fed with silence is silent; float64 would crawl through denormal numbers for seconds.
_SILENT: Final = 1e-30


def k_weighting_sos(sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """Second-order sections float64[2, 6]: head shelf (+4 dB from about 1.7 kHz), then high pass (38 Hz).

    Raises:
        ValueError: the rate is not above twice the shelf's frequency.
    """
    if sample_rate_hz <= 2 * _SHELF_HZ:
        raise ValueError(f"sample rate is {sample_rate_hz} Hz: loudness needs more than {2 * _SHELF_HZ:.0f} Hz")
    k = math.tan(math.pi * _SHELF_HZ / sample_rate_hz)
    high = 10.0 ** (_SHELF_GAIN_DB / 20.0)
    band = high**_SHELF_SLOPE
    norm = 1.0 + k / _SHELF_Q + k * k
    shelf = [
        (high + band * k / _SHELF_Q + k * k) / norm,
        2.0 * (k * k - high) / norm,
        (high - band * k / _SHELF_Q + k * k) / norm,
        1.0,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / _SHELF_Q + k * k) / norm,
    ]
    k = math.tan(math.pi * _HIGH_PASS_HZ / sample_rate_hz)
    norm = 1.0 + k / _HIGH_PASS_Q + k * k
    # The numerator 1, -2, 1 is not normalised: so the standard's table has it.
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / norm, (1.0 - k / _HIGH_PASS_Q + k * k) / norm]
    return np.array([shelf, high_pass])


class KWeighting:
    """The filter with its memory: blocks of any length, as if they were one signal."""

    def __init__(self, *, sample_rate_hz: int, channels: int) -> None:
        shelf, high_pass = k_weighting_sos(sample_rate_hz)
        # Both sections at once take half the time; in float64 the error stays below -150 dB.
        self._forward = np.convolve(shelf[:3], high_pass[:3])
        self._back = np.convolve(shelf[3:], high_pass[3:])
        self._state = np.zeros((len(self._back) - 1, channels))

    def __call__(self, block: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """float64[n, channels], the weighted signal of float[n, channels]."""
        if not block.any() and np.abs(self._state).max(initial=0.0) < _SILENT:
            self._state[...] = 0.0
            return np.zeros(block.shape)
        weighted, self._state = lfilter(self._forward, self._back, block.astype(np.float64), axis=0, zi=self._state)
        return np.asarray(weighted)
