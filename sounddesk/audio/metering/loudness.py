"""How loud a sound is: sample peak, true peak, RMS, and loudness over 400 ms, 3 s and the whole programme."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.pcm import check_samples
from sounddesk.audio.metering.k_weighting import KWeighting
from sounddesk.audio.metering.true_peak import TruePeakMeter
from sounddesk.audio.mixing import linear_to_db

# One gating block of ITU-R BS.1770-4; a shorter sound has no loudness.
MIN_LOUDNESS_S: Final = 0.4
# Left, right, centre (ITU-R BS.1770-4, table 3); surrounds weigh more, and sounddesk has none.
MAX_CHANNELS: Final = 3

# Energy is kept in steps of 10 ms, so that the maxima find short sounds wherever they begin (EBU Tech 3341, case 13).
_STEPS_PER_S: Final = 100
_MOMENTARY_STEPS: Final = 40
_SHORT_TERM_STEPS: Final = 300
# Gating blocks begin every 100 ms: they overlap by three quarters.
_GATING_STEPS: Final = 10
_OFFSET_LU: Final = -0.691
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_RANGE_GATE_LU: Final = -20.0


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


@dataclass(frozen=True, kw_only=True)
class LoudnessReading:
    """What a `LoudnessMeter` shows at one moment; minus infinity is silence, None 'not known yet'.

    Attributes:
        momentary_lufs: over the last 400 ms; None before.
        short_term_lufs: over the last 3 s; None before.
        integrated_lufs: of everything so far, gated; None before 400 ms.
        loudness_range_lu: EBU Tech 3342; None before 3 s or where nothing passes the gate.
        max_momentary_lufs, max_short_term_lufs: the largest so far.
        peak_dbfs, true_peak_dbtp: the largest so far.
    """

    momentary_lufs: float | None
    short_term_lufs: float | None
    integrated_lufs: float | None
    loudness_range_lu: float | None
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None
    peak_dbfs: float
    true_peak_dbtp: float


class LoudnessMeter:
    """A meter after EBU Tech 3341 ("EBU mode"), fed block by block, e.g. by the thread that mixes.

    What it shows does not depend on how the sound is cut into blocks. It keeps 160 bytes for each second it has
    heard; `reset` forgets them. One thread uses it; others may read what `reading` gave that one.

    Args:
        sample_rate_hz: above 3364 Hz.
        channels: 1 to 3, in the order left, right, centre.
        full_scale: the sample value that is 0 dBFS, e.g. 2**23 for steps of 24 bits.
        power: of one channel that stands for several: their power relative to its own, e.g. 2.0 where the same
            sound is in both channels.

    Raises:
        ValueError: rate or number of channels.
    """

    def __init__(self, *, sample_rate_hz: int, channels: int = 2, full_scale: float = 1.0, power: float = 1.0) -> None:
        if not 1 <= channels <= MAX_CHANNELS:
            raise ValueError(f"{channels} channels: loudness is measured of 1 to {MAX_CHANNELS}")
        self._rate = sample_rate_hz
        self._channels = channels
        self._full_scale = full_scale
        self._power = power / full_scale**2
        self.reset()

    def reset(self) -> None:
        """Reset the meter."""
        self._weighting = KWeighting(sample_rate_hz=self._rate, channels=self._channels)
        self._peaks = TruePeakMeter(channels=self._channels)
        self._frames = 0
        self._rest: npt.NDArray[np.floating[Any]] = np.zeros((0, self._channels))
        self._steps = 0
        # Energy and samples of the last steps, as far back as the short-term window reaches.
        self._energies = np.zeros(0)
        self._counts = np.zeros(0)
        self._gating = array("d")
        self._short_terms = array("d")
        self._max_momentary = self._max_short_term = -1.0

    def push(self, block: npt.NDArray[np.floating[Any]]) -> None:
        """Take in float[n] (one channel) or float[n, channels]; none at all does nothing.

        Raises:
            ValueError: another number of channels.
        """
        wide = block[:, None] if block.ndim == 1 else block
        if wide.shape[1] != self._channels:
            raise ValueError(f"block has {wide.shape[1]} channels: the meter was made for {self._channels}")
        if not len(wide):
            return
        self._peaks.push(wide)
        weighted = self._weighting(wide)
        if len(self._rest):
            weighted = np.concatenate([self._rest, weighted])
        done = self._frame_of(self._steps)
        self._frames += len(wide)
        # The last step whose `_frame_of` has been reached.
        steps = (2 * self._frames * _STEPS_PER_S + _STEPS_PER_S - 1) // (2 * self._rate)
        edges = self._frame_of(np.arange(self._steps, steps + 1)) - done
        whole, self._rest = weighted[: edges[-1]], weighted[edges[-1] :].copy()
        if len(edges) > 1:
            counts = np.diff(edges)
            if counts.min() == counts.max():
                rows = whole.reshape(len(counts), -1)
                energies = np.einsum("ij,ij->i", rows, rows)
            else:
                energies = np.add.reduceat(np.einsum("nc,nc->n", whole, whole), edges[:-1])
            self._add_steps(energies.astype(np.float64) * self._power, counts.astype(np.float64))

    def _add_steps(self, energies: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> None:
        new = len(energies)
        self._steps += new
        energies = np.concatenate([self._energies, energies])
        counts = np.concatenate([self._counts, counts])
        momentary = _means(energies, counts, width=_MOMENTARY_STEPS)
        short_term = _means(energies, counts, width=_SHORT_TERM_STEPS)
        self._energies = energies[-_SHORT_TERM_STEPS:]
        self._counts = counts[-_SHORT_TERM_STEPS:]
        for means, kept in ((momentary, self._gating), (short_term, self._short_terms)):
            # Of the windows, those that end with one of the new steps are new.
            fresh = means[-new:]
            ends = np.arange(self._steps - len(fresh) + 1, self._steps + 1)
            kept.extend(fresh[ends % _GATING_STEPS == 0].tolist())
            if len(fresh) and kept is self._gating:
                self._max_momentary = max(self._max_momentary, float(fresh.max()))
            elif len(fresh):
                self._max_short_term = max(self._max_short_term, float(fresh.max()))

    def _frame_of(self, step: Any) -> Any:
        """The frame nearest to the beginning of a step; at 22.05 kHz steps are of 220 and 221 frames."""
        return (2 * step * self._rate + _STEPS_PER_S) // (2 * _STEPS_PER_S)

    @property
    def momentary_lufs(self) -> float | None:
        return self._window_lufs(_MOMENTARY_STEPS)

    @property
    def short_term_lufs(self) -> float | None:
        return self._window_lufs(_SHORT_TERM_STEPS)

    @property
    def integrated_lufs(self) -> float | None:
        if not self._gating:
            return None
        blocks = np.frombuffer(self._gating)
        return _lufs(_gated_mean(blocks[blocks > _power(_ABSOLUTE_GATE_LUFS)]))

    @property
    def loudness_range_lu(self) -> float | None:
        if not self._short_terms:
            return None
        blocks = np.frombuffer(self._short_terms)
        blocks = blocks[blocks >= _power(_ABSOLUTE_GATE_LUFS)]
        if not len(blocks):
            return None
        kept = np.sort(blocks[blocks >= blocks.mean() * 10.0 ** (_RANGE_GATE_LU / 10.0)])
        # EBU Tech 3342, section 4: the values at 10 % and 95 % of the sorted list, rounded to a place in it.
        low, high = (kept[round((len(kept) - 1) * share)] for share in (0.10, 0.95))
        return _lufs(float(high)) - _lufs(float(low))

    @property
    def true_peak_dbtp(self) -> float:
        return linear_to_db(self._peaks.true_peak / self._full_scale)

    def reading(self) -> LoudnessReading:
        """All readings at once, as a value that another thread may keep."""
        return LoudnessReading(
            momentary_lufs=self.momentary_lufs,
            short_term_lufs=self.short_term_lufs,
            integrated_lufs=self.integrated_lufs,
            loudness_range_lu=self.loudness_range_lu,
            max_momentary_lufs=None if self._max_momentary < 0.0 else _lufs(self._max_momentary),
            max_short_term_lufs=None if self._max_short_term < 0.0 else _lufs(self._max_short_term),
            peak_dbfs=linear_to_db(self._peaks.sample_peak / self._full_scale),
            true_peak_dbtp=self.true_peak_dbtp,
        )

    def _window_lufs(self, steps: int) -> float | None:
        if len(self._energies) < steps:
            return None
        return _lufs(float(self._energies[-steps:].sum() / self._counts[-steps:].sum()))


def measure_loudness(samples: npt.NDArray[np.floating[Any]], *, sample_rate_hz: int) -> LoudnessReading:
    """Loudness and peaks of a whole sound float[n] or float[n, channels] (ITU-R BS.1770-4, EBU R 128).

    Raises:
        ValueError: no samples or not finite, or a rate or number of channels that the meter does not take.

    Example:
        A sine of 1 kHz at full scale has -3.01 LUFS, as the standard asks:

        >>> import numpy as np
        >>> sine = np.sin(2 * np.pi * 997 * np.arange(96_000) / 48_000)
        >>> reading = measure_loudness(sine, sample_rate_hz=48_000)
        >>> round(reading.integrated_lufs, 1), round(reading.true_peak_dbtp, 1)
        (-3.0, 0.0)
    """
    check_samples(samples)
    if sample_rate_hz <= 0:
        raise ValueError(f"sample rate is {sample_rate_hz} Hz: it must be positive")
    meter = LoudnessMeter(sample_rate_hz=sample_rate_hz, channels=1 if samples.ndim == 1 else samples.shape[1])
    meter.push(samples)
    return meter.reading()


def measure_levels(samples: npt.NDArray[np.floating[Any]], *, sample_rate_hz: int) -> Levels:
    """Levels of float[n] or float[n, channels]. Raises: ValueError, as `measure_loudness`."""
    reading = measure_loudness(samples, sample_rate_hz=sample_rate_hz)
    return Levels(
        peak_dbfs=reading.peak_dbfs,
        true_peak_dbtp=reading.true_peak_dbtp,
        rms_dbfs=linear_to_db(float(np.sqrt(np.mean(np.square(samples.astype(np.float64)))))),
        lufs=reading.integrated_lufs,
    )


def true_peak(samples: npt.NDArray[np.floating[Any]]) -> float:
    """Largest absolute value of the signal through the samples, linear; never below the sample peak."""
    check_samples(samples)
    meter = TruePeakMeter(channels=1 if samples.ndim == 1 else samples.shape[1])
    meter.push(samples[:, None] if samples.ndim == 1 else samples)
    return meter.true_peak


def integrated_loudness(samples: npt.NDArray[np.floating[Any]], *, sample_rate_hz: int) -> float | None:
    """Integrated loudness in LUFS; None under 400 ms, minus infinity for silence (BS.1770-4, two gates).

    Example:
        >>> import numpy as np
        >>> integrated_loudness(np.zeros(48_000), sample_rate_hz=48_000)
        -inf
    """
    return measure_loudness(samples, sample_rate_hz=sample_rate_hz).integrated_lufs


def _means(
    energies: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], *, width: int
) -> npt.NDArray[np.float64]:
    """Mean power of every window of `width` steps. Summed afresh, because a running sum never gets back to silence."""
    if len(energies) < width:
        return np.zeros(0)
    window = np.ones(width)
    return np.asarray(np.convolve(energies, window, "valid") / np.convolve(counts, window, "valid"))


def _gated_mean(blocks: npt.NDArray[np.float64]) -> float:
    """Mean of the blocks that are within 10 LU of the mean of all; 0 without any."""
    if not len(blocks):
        return 0.0
    return float(blocks[blocks > blocks.mean() * 10.0 ** (_RELATIVE_GATE_LU / 10.0)].mean())


def _lufs(power: float) -> float:
    return -math.inf if power <= 0.0 else _OFFSET_LU + 10.0 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - _OFFSET_LU) / 10.0))
