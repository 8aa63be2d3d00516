"""True peak: the largest value of the signal that runs through the samples (ITU-R BS.1770-4, annex 2)."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import firwin

_OVERSAMPLING: Final = 4
# Taps before and behind each new sample; with 10 the filter is longer than the standard's example (6).
_HALF_TAPS: Final = 10
_TAPS: Final = 2 * _HALF_TAPS
# Outputs computed by one row of a matrix product: long rows waste products, short ones waste calls.
_ROW: Final = 32


def _interpolation_matrix() -> npt.NDArray[np.float32]:
    """float32[_ROW + _TAPS - 1, 3 * _ROW]: a stretch of samples times this gives all values between them."""
    taps = _OVERSAMPLING * firwin(2 * _HALF_TAPS * _OVERSAMPLING + 1, 1.0 / _OVERSAMPLING, window=("kaiser", 5.0))
    matrix = np.zeros((_ROW + _TAPS - 1, (_OVERSAMPLING - 1) * _ROW))
    for phase in range(1, _OVERSAMPLING):
        weights = taps[phase::_OVERSAMPLING][::-1]
        for row in range(_ROW):
            matrix[row : row + _TAPS, (phase - 1) * _ROW + row] = weights
    return matrix.astype(np.float32)


class TruePeakMeter:
    """Sample peak and true peak of a signal given block by block; the cut into blocks does not matter.

    Attributes:
        sample_peak: largest absolute sample so far, linear.
    """

    _matrix: npt.NDArray[np.float32] | None = None
    _bound: float = 0.0

    def __init__(self, *, channels: int) -> None:
        if TruePeakMeter._matrix is None:
            matrix = _interpolation_matrix()
            TruePeakMeter._bound = float(np.abs(matrix).sum(axis=0).max())
            TruePeakMeter._matrix = matrix
        self._before = np.zeros((channels, _TAPS - 1), dtype=np.float32)
        self._between = 0.0
        self.sample_peak = 0.0

    @property
    def true_peak(self) -> float:
        """Linear; at least the sample peak, which the interpolation alone would miss by a hair."""
        return max(self.sample_peak, self._between, self._largest(np.zeros_like(self._before), keep=False))

    def push(self, block: npt.NDArray[np.floating[Any]]) -> None:
        """Take in float[n, channels]."""
        if not len(block):
            return
        self.sample_peak = max(self.sample_peak, float(np.abs(block).max()))
        self._between = max(self._between, self._largest(block.T.astype(np.float32), keep=True))

    def _largest(self, block: npt.NDArray[np.float32], *, keep: bool) -> float:
        """The largest value between the samples that `block`, float32[channels, n], makes known."""
        assert self._matrix is not None
        known = np.concatenate([self._before, block], axis=1)
        if keep:
            self._before = known[:, known.shape[1] - _TAPS + 1 :].copy()
        largest = 0.0
        count = known.shape[1] - _TAPS + 1
        width = _ROW + _TAPS - 1
        for channel in known:
            rows = -(-count // _ROW)
            padded = np.zeros((rows - 1) * _ROW + width, dtype=np.float32)
            padded[: len(channel)] = channel
            stretches = np.lib.stride_tricks.sliding_window_view(padded, width)[::_ROW]
            # No value between samples exceeds the samples around it by more than the filter's gain: most
            # stretches of most sounds need not be computed.
            reach = max(largest, self._between, self.sample_peak) / self._bound
            worth = np.abs(padded).max() > reach and np.abs(stretches).max(axis=1) > reach
            if np.any(worth):
                between = np.abs(stretches[worth] @ self._matrix)
                if rows * _ROW > count:
                    # Beyond the last known sample the padding would make a step that is not in the signal.
                    spare = np.arange((_OVERSAMPLING - 1) * _ROW) % _ROW >= count - (rows - 1) * _ROW
                    if worth[-1]:
                        between[-1, spare] = 0.0
                largest = max(largest, float(between.max()))
        return largest
