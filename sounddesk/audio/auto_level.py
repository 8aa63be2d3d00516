"""Automatic level: a sound that must last, such as a bed, is kept at one loudness without changing its character."""

from __future__ import annotations

import math
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import check_samples

_Curve = npt.NDArray[np.float64]

_BLOCK_S: Final = 0.02
# Long enough to leave the grain of a sound alone, short enough that nothing stands out of three seconds of it.
_LEVEL_S: Final = 0.06
_GLIDE_S: Final = 0.04
# Blocks this far below the loud ones are gaps: they do not count for what is usual.
_GAP_DB: Final = 50.0


def apply_auto_level(
    samples: npt.NDArray[np.floating[Any]],
    *,
    sample_rate_hz: int,
    most_boost_db: float = 12.0,
    most_cut_db: float = 40.0,
    peak: float | None = None,
) -> Waveform:
    """Bring a mono sound float[n] to its own median level throughout; float32[n].

    The level is measured over about a fifth of a second, ahead as well as back, so that gain is reduced before a loud
    passage begins. Gaps are raised by `most_boost_db` at most: silence stays silent.

    Args:
        peak: largest absolute sample of the result; None leaves the level as it comes out.

    Raises:
        ValueError: no mono sound, or samples that are not finite.

    Example:
        A sound that doubles half-way comes out even:

        >>> import numpy as np
        >>> tone = np.sin(2 * np.pi * 200 * np.arange(16_000) / 8_000).astype(np.float32)
        >>> tone[8_000:] *= 2
        >>> even = apply_auto_level(tone, sample_rate_hz=8_000)
        >>> bool(abs(np.abs(even[:4_000]).max() - np.abs(even[-4_000:]).max()) < 0.05)
        True
    """
    check_samples(samples)
    if samples.ndim != 1:
        raise ValueError(f"sound has {samples.shape[1]} channels: give a mono sound")
    block = max(1, round(_BLOCK_S * sample_rate_hz))
    count = math.ceil(len(samples) / block)
    squares = np.zeros(count * block)
    squares[: len(samples)] = np.square(samples.astype(np.float64))
    power = gaussian_smoothed(squares.reshape(count, block).mean(axis=1), sigma=_LEVEL_S / _BLOCK_S)
    level_db = 10.0 * np.log10(power + 1e-20)
    sounding = level_db > np.percentile(level_db, 95) - _GAP_DB
    usual_db = float(np.median(level_db[sounding]))
    gain_db = np.clip(usual_db - level_db, -most_cut_db, most_boost_db)
    gain_db = gaussian_smoothed(gain_db, sigma=_GLIDE_S / _BLOCK_S)
    middles = (np.arange(count) + 0.5) * block
    gain = np.interp(np.arange(len(samples)), middles, 10.0 ** (gain_db / 20.0))
    ridden = samples * gain
    largest = float(np.abs(ridden).max())
    if peak is not None and largest > 0.0:
        ridden *= peak / largest
    return ridden.astype(np.float32)


def gaussian_smoothed(curve: _Curve, *, sigma: float) -> _Curve:
    """A curve float64[n] smoothed by a Gaussian of `sigma` positions; beyond the ends it goes on as it is."""
    reach = max(1, math.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(curve, reach, mode="edge"), kernel / kernel.sum(), mode="valid")
