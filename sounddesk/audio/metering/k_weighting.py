"""The K-weighting filter of ITU-R BS.1770-4, block by block, at any sample rate."""

from __future__ import annotations

import math
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

# The standard tabulates the coefficients for 48 kHz only (annex 1, tables 1 and 2). These are the analogue values
# behind the tables: with the bilinear transform they give them back to ten digits, and the same filter at other rates.
_SHELF_HZ: Final = 1681.974450955533
_SHELF_GAIN_DB: Final = 3.999843853973347
_SHELF_Q: Final = 0.7071752369554196
_SHELF_SLOPE: Final = 0.4996667741545416
_HIGH_PASS_HZ: Final = 38.13547087602444
_HIGH_PASS_Q: Final = 0.5003270373238773
# Below this a filter fed with silence is silent; floats would crawl through denormal numbers for seconds.
_SILENT: Final = 1e-30
# Samples of a row: 10 ms at 48 kHz, the step of the loudness meter, are 15 of them.
_ROW: Final = 32
# Rows multiplied at once. More would wake the threads of the matrix library, which cost more than they bring here.
_ROWS_AT_ONCE: Final = 128


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
    """The filter with its state: filters blocks of any length as one continuous signal.

    What comes out has the precision of what goes in. For float32 the error lies 120 dB and more below the sound.

    A recursion goes sample by sample and waits for each before the next. So samples are taken in rows: within a row
    everything is one matrix product, and only the memory, four numbers, goes on from row to row. It is kept as two
    modes, one for each pair of complex poles: mode[n + 1] = pole * mode[n] + in[n], and
    out[n] = direct * in[n] + sum of Re(weight * mode[n]). That takes a third of the time of `scipy.signal.lfilter`.
    """

    def __init__(self, *, sample_rate_hz: int, channels: int) -> None:
        direct, poles, weights = _modes(k_weighting_sos(sample_rate_hz))
        powers = poles[:, None] ** np.arange(_ROW)
        response = np.concatenate([[direct], (weights @ powers).real])
        # What comes out of a row: its samples through the impulse response, and the modes at its beginning.
        self._out = np.zeros((_ROW + 2 * len(poles), _ROW))
        for place in range(_ROW):
            self._out[place, place:] = response[: _ROW - place]
        fading = weights[:, None] * powers
        self._out[_ROW:] = np.concatenate([fading.real, -fading.imag])
        # What the samples of a row leave in the modes at its end.
        left = powers[:, ::-1].T
        self._left = np.concatenate([left.real, left.imag], axis=1)
        self._poles = poles
        self._state = np.zeros((len(poles), channels), dtype=np.complex128)

    def __call__(self, block: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """float[n, channels], the weighted signal of float[n, channels]."""
        dtype = np.float32 if block.dtype == np.float32 else np.float64
        if not block.any() and np.abs(self._state).max(initial=0.0) < _SILENT:
            self._state[...] = 0.0
            return np.zeros(block.shape, dtype=dtype)
        weighted = np.empty(block.shape, dtype=dtype)
        for channel in range(block.shape[1]):
            self._weigh(block[:, channel], weighted[:, channel], self._state[:, channel])
        return weighted

    def _weigh(self, block: npt.NDArray[Any], out: npt.NDArray[Any], state: npt.NDArray[np.complex128]) -> None:
        """One channel into `out`, float[n]; `state`, complex[modes], goes along."""
        count, modes = len(block), len(self._poles)
        whole = count - count % _ROW
        if whole:
            rows = np.empty((whole // _ROW, _ROW + 2 * modes), dtype=out.dtype)
            samples = block[:whole].reshape(-1, _ROW)
            rows[:, :_ROW] = samples
            left = multiply_rows(np.ascontiguousarray(samples, dtype=out.dtype), self._left.astype(out.dtype))
            for mode, pole in enumerate(self._poles**_ROW):
                # A loop instead of `scipy.signal.lfilter`: loading scipy takes longer than a window may need to open,
                # and put off to here it would stop the sound.
                factor, carried = complex(pole), complex(state[mode])
                before = []
                for driven in (left[:, mode] + 1j * left[:, modes + mode]).tolist():
                    before.append(carried)
                    carried = factor * carried + driven
                began = np.array(before)
                rows[:, _ROW + mode] = began.real
                rows[:, _ROW + modes + mode] = began.imag
                state[mode] = carried
            out[:whole] = multiply_rows(rows, self._out.astype(out.dtype)).reshape(-1)
        rest = count - whole
        if rest:
            row = np.concatenate([block[whole:], state.real, state.imag]).astype(out.dtype)
            kept = np.concatenate([self._out[:rest, :rest], self._out[_ROW:, :rest]])
            out[whole:] = row @ kept.astype(out.dtype)
            left = block[whole:].astype(np.float64) @ self._left[_ROW - rest :]
            state[:] = self._poles**rest * state + left[:modes] + 1j * left[modes:]


def _modes(
    sos: npt.NDArray[np.float64],
) -> tuple[float, npt.NDArray[np.complex128], npt.NDArray[np.complex128]]:
    """The filter as a sum: direct part, poles[2] of the upper half plane, and their weights[2] (twice the residues)."""
    forward = np.convolve(sos[0, :3], sos[1, :3])
    pairs = np.array([np.roots(section[3:]) for section in sos])
    poles = np.where(pairs[:, 0].imag > 0.0, pairs[:, 0], pairs[:, 1])
    weights = []
    for index, pole in enumerate(poles):
        others = np.concatenate([np.delete(poles, index), poles.conj()])
        weights.append(2.0 * np.polyval(forward, pole) / np.prod(pole - others))
    return float(forward[0]), poles, np.array(weights)


def multiply_rows(rows: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """float[n, k] times float[k, m]: float[n, m], for a small matrix; `rows` should be contiguous."""
    count = len(rows)
    whole = count - count % _ROWS_AT_ONCE
    out = np.empty((count, matrix.shape[1]), dtype=np.result_type(rows, matrix))
    if whole:
        stacks = (-1, _ROWS_AT_ONCE, rows.shape[1])
        np.matmul(rows[:whole].reshape(stacks), matrix, out=out[:whole].reshape(-1, _ROWS_AT_ONCE, matrix.shape[1]))
    if whole < count:
        np.matmul(rows[whole:], matrix, out=out[whole:])
    return out
