"""Stems and their sum: gain, pan, mix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.pcm import check_samples
from sounddesk.audio.files.pcm import count_clipped
from sounddesk.audio.files.pcm import quantize

# Common gains are given in these steps, so that the number a user reads is the number that was applied.
_COMMON_GAIN_STEP_DB: Final = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class StemMix:
    """Stems as they will be written, and their sum.

    Attributes:
        stems: float32[n] or float32[n, channels] each, after gain and common gain, rounded to the steps of the file
            format.
        mix: the sum of `stems`, mono where all of them are: exact for PCM formats while it stays within full scale.
        common_gain_db: applied to every stem, and thereby to the mix.
        clipped_samples: samples of the stems and the mix together that the file format cannot hold; they are
            still whole here.
        needed_gain_db: the common gain to ask for, in place of `common_gain_db`, so that nothing clips;
            equal to it while nothing does.
    """

    stems: tuple[Waveform, ...]
    mix: Waveform
    common_gain_db: float
    clipped_samples: int
    needed_gain_db: float


def db_to_linear(gain_db: float) -> float:
    """Amplitude factor of a gain in dB; minus infinity is 0."""
    return float(10.0 ** (gain_db / 20.0))


def linear_to_db(factor: float) -> float:
    """Gain in dB of an amplitude factor; 0 is minus infinity.

    Raises:
        ValueError: negative or not a number.
    """
    if not factor >= 0.0:
        raise ValueError(f"amplitude factor is {factor:g}: it must not be negative")
    return -math.inf if factor == 0.0 else 20.0 * math.log10(factor)


def pan_gains(pan: float) -> tuple[float, float]:
    """Amplitude factors (left, right) of the constant-power pan law: their squares always sum to 1.

    Args:
        pan: -1 (left) to 1 (right); 0, the centre, gives -3.01 dB in both.

    Raises:
        ValueError: outside -1 to 1.

    Example:
        >>> [round(gain, 3) for gain in pan_gains(0.0)]
        [0.707, 0.707]
        >>> [round(gain, 3) for gain in pan_gains(1.0)]
        [0.0, 1.0]
    """
    if not -1.0 <= pan <= 1.0:
        raise ValueError(f"pan is {pan:g}: choose from -1 (left) to 1 (right)")
    angle = (pan + 1.0) * math.pi / 4.0
    # max: the cosine of a float just over a quarter turn is a hair below 0.
    return max(0.0, math.cos(angle)), math.sin(angle)


def sum_stems(stems: Sequence[npt.NDArray[np.floating[Any]]]) -> npt.NDArray[np.float64]:
    """Sample-wise sum, accumulated in float64; mono stems sound in all channels of the others.

    Args:
        stems: float[n] or float[n, channels] each.

    Raises:
        ValueError: no stem, stems of different length or (besides mono) channels, or samples that are not finite.

    Example:
        >>> sum_stems([np.array([0.5, 0.5]), np.array([[0.25, 0.0], [0.0, 0.25]])]).tolist()
        [[0.75, 0.5], [0.5, 0.75]]
    """
    if not stems:
        raise ValueError("no stem to sum: give at least one")
    widest = max(stems, key=lambda stem: stem.ndim)
    total = np.zeros(widest.shape, dtype=np.float64)
    for i, stem in enumerate(stems):
        check_samples(stem)
        if len(stem) != len(total) or (stem.ndim > 1 and stem.shape != total.shape):
            raise ValueError(
                f"stem {i} has {list(stem.shape)} samples and another {list(total.shape)}: make them equal"
            )
        total += stem if stem.ndim == total.ndim else stem[:, None]
    return total


def mix_stems(
    stems: Sequence[npt.NDArray[np.floating[Any]]],
    *,
    gains_db: Sequence[float] | None = None,
    common_gain_db: float = 0.0,
    wav_format: WavFormat = "PCM_24",
) -> StemMix:
    """Stems at their gains, rounded to what the file can hold, and their sum.

    The sum is taken after rounding, so that adding up the written stems gives the written mix to the last bit.
    Nothing is limited or normalised: where the mix (or a stem) goes beyond full scale, `clipped_samples` says so
    and `needed_gain_db` is the common gain that avoids it; call again with it, and tell the user.

    Args:
        stems: as in `sum_stems`.
        gains_db: one per stem; minus infinity mutes; all 0 by default.
        common_gain_db: added to every stem's gain.
        wav_format: of the files to be written.

    Raises:
        ValueError: stems as in `sum_stems`, a wrong number of gains, or a gain that is no number.

    Example:
        Two stems that together pass full scale, and the gain at which they fit:

        >>> import numpy as np
        >>> dog, car = np.full(4, 0.7, np.float32), np.full(4, 0.6, np.float32)
        >>> loud = mix_stems([dog, car])
        >>> loud.clipped_samples, loud.needed_gain_db
        (4, -2.3)
        >>> mix_stems([dog, car], common_gain_db=loud.needed_gain_db).clipped_samples
        0
    """
    gains = [0.0] * len(stems) if gains_db is None else list(gains_db)
    if len(gains) != len(stems):
        raise ValueError(f"{len(gains)} gains for {len(stems)} stems: give one each")
    for gain_db in (*gains, common_gain_db):
        if math.isnan(gain_db) or gain_db == math.inf:
            raise ValueError(f"gain is {gain_db} dB: give a finite number, or -inf to mute")
    written, mix = _mix(stems, gains_db=[gain + common_gain_db for gain in gains], wav_format=wav_format)
    clipped = _clipped(written, mix, wav_format=wav_format)
    return StemMix(
        stems=written,
        mix=mix,
        common_gain_db=common_gain_db,
        clipped_samples=clipped,
        needed_gain_db=common_gain_db
        if clipped == 0
        else _gain_without_clipping(stems, gains_db=gains, common_gain_db=common_gain_db, wav_format=wav_format),
    )


def _mix(
    stems: Sequence[npt.NDArray[np.floating[Any]]], *, gains_db: Sequence[float], wav_format: WavFormat
) -> tuple[tuple[Waveform, ...], Waveform]:
    for stem in stems:
        check_samples(stem)
    written = tuple(
        quantize(stem * np.float64(db_to_linear(gain_db)), wav_format=wav_format)
        for stem, gain_db in zip(stems, gains_db, strict=True)
    )
    return written, sum_stems(written).astype(np.float32)


def _clipped(stems: Sequence[Waveform], mix: Waveform, *, wav_format: WavFormat) -> int:
    return sum(count_clipped(samples, wav_format=wav_format) for samples in (*stems, mix))


def _gain_without_clipping(
    stems: Sequence[npt.NDArray[np.floating[Any]]],
    *,
    gains_db: Sequence[float],
    common_gain_db: float,
    wav_format: WavFormat,
) -> float:
    """The highest common gain, in steps of 0.1 dB below `common_gain_db`, at which nothing clips."""
    bits = bits_of(wav_format)
    # FLOAT holds everything, so nothing ever clips in it.
    assert bits is not None
    stems_now, mix_now = _mix(stems, gains_db=[gain + common_gain_db for gain in gains_db], wav_format="FLOAT")
    peak = max(float(np.abs(samples).max()) for samples in (*stems_now, mix_now))
    full_scale = 1.0 - 2.0 ** (1 - bits)
    needed_db = common_gain_db - max(0.0, linear_to_db(peak / full_scale))
    steps = math.floor(needed_db / _COMMON_GAIN_STEP_DB)
    while True:
        gain_db = round(steps * _COMMON_GAIN_STEP_DB, 1)
        written, mix = _mix(stems, gains_db=[gain + gain_db for gain in gains_db], wav_format=wav_format)
        # Rounding many stems can still push the sum one step past full scale.
        if _clipped(written, mix, wav_format=wav_format) == 0:
            return gain_db
        steps -= 1
