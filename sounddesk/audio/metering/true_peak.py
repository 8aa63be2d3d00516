"""True peak: the largest value of the signal that runs through the samples (ITU-R BS.1770-4, annex 2)."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.metering.k_weighting import multiply_rows

_OVERSAMPLING: Final = 4
# Samples before and behind each new one, as many as in the standard's own filter.
_HALF_TAPS: Final = 6
_TAPS: Final = 2 * _HALF_TAPS
# Outputs computed by one row of a matrix product: long rows waste products, short ones waste calls.
_ROW: Final = 16


def _interpolation_matrix() -> npt.NDArray[np.float32]:
    """float32[_ROW + _TAPS - 1, 3 * _ROW]: a stretch of samples times this gives all values between them."""
    place = np.arange(-_HALF_TAPS * _OVERSAMPLING, _HALF_TAPS * _OVERSAMPLING + 1)
    # As `scipy.signal.firwin` has it; scipy takes longer to load than the window may need to open.
    low_pass = np.sinc(place / _OVERSAMPLING) * np.kaiser(len(place), 5.0)
    taps = _OVERSAMPLING * low_pass / low_pass.sum()
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
        self.sample_peak = max(self.sample_peak, float(block.max()), -float(block.min()))
        self._between = max(self._between, self._largest(block.T.astype(np.float32), keep=True))

    def _largest(self, block: npt.NDArray[np.float32], *, keep: bool) -> float:
        """The largest value between the samples that `block`, float32[channels, n], makes known."""
        assert self._matrix is not None
        known = np.concatenate([self._before, block], axis=1)
        if keep:
            self._before = known[:, known.shape[1] - _TAPS + 1 :].copy()
        largest = 0.0
        count = known.shape[1] - _TAPS + 1
        rows = -(-count // _ROW)
        width = _ROW + _TAPS - 1
        padded = np.zeros((rows - 1) * _ROW + width, dtype=np.float32)
        for channel in known:
            padded[: len(channel)] = channel
            # No value between samples exceeds the samples around it by more than the filter's gain: most
            # stretches of most sounds need not be computed.
            reach = max(largest, self._between, self.sample_peak) / self._bound
            worth = self._may_exceed(padded, rows, reach)
            wanted = int(np.count_nonzero(worth))
            if not wanted:
                continue
            every = np.lib.stride_tricks.as_strided(padded, (rows, width), (_ROW * padded.itemsize, padded.itemsize))
            between = multiply_rows(every[worth], self._matrix)
            if rows * _ROW > count and worth[-1]:
                # Beyond the last known sample the padding would make a step that is not in the signal.
                spare = np.arange((_OVERSAMPLING - 1) * _ROW) % _ROW >= count - (rows - 1) * _ROW
                between[-1, spare] = 0.0
            largest = max(largest, float(between.max()), -float(between.min()))
        return largest

    @staticmethod
    def _may_exceed(padded: npt.NDArray[np.float32], rows: int, reach: float) -> npt.NDArray[np.bool_]:
        """Which stretches hold a sample beyond `reach`: bool[rows]. A stretch reaches into the row behind it."""
        beyond = (padded > reach) | (padded < -reach)
        # Sixteen flags are two words: much quicker than a maximum over short rows.
        words = beyond[: rows * _ROW].view(np.uint64).reshape(rows, 2)
        loud = (words[:, 0] | words[:, 1]) != 0
        loud[:-1] |= loud[1:]
        loud[-1] |= bool(beyond[rows * _ROW :].any())
        return np.asarray(loud)
