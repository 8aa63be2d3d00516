"""Puts a stretch that was made anew into a sound, of which nothing else is changed by a single bit."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.recordings.crossfade import crossfaded

_Samples = npt.NDArray[np.float32]

CROSSFADE_S: Final = 0.04
"""How far the crossfades reach out of the stretch, at most."""
_LEVEL_S: Final = 0.15
_MOST_GAIN_DB: Final = 24.0
_SILENT: Final = 1e-5


def put_in(original: _Samples, made: _Samples, *, start: int, stop: int, sample_rate_hz: int) -> _Samples:
    """`original` float32[n] with `made`, of the same length and rate, between `start` and `stop`.

    `made` is a copy of all of it whose stretch is new: by how loud its copy of the neighbourhood came out, its level is
    corrected on either side, so that no step is heard. Outside the stretch and its crossfades the samples are those of
    `original`, bit by bit.

    Raises:
        ValueError: the lengths differ, or the stretch lies outside.
    """
    if original.shape != made.shape or original.ndim != 1:
        raise ValueError(f"sounds have {original.shape} and {made.shape} samples: give equally many, of one channel")
    if not 0 <= start < stop <= len(original):
        raise ValueError(f"stretch is {start} to {stop} of {len(original)} samples: choose one inside")
    fade = round(CROSSFADE_S * sample_rate_hz)
    before, after = min(fade, start), min(fade, len(original) - stop)
    reach = round(_LEVEL_S * sample_rate_hz)
    left = _gain_db(original[max(0, start - reach) : start], made[max(0, start - reach) : start])
    right = _gain_db(original[stop : stop + reach], made[stop : stop + reach])
    if left is None and right is None:
        left = right = 0.0
    first, last = (left if left is not None else right), (right if right is not None else left)
    assert first is not None
    assert last is not None
    begin, end = start - before, stop + after
    gain = 10 ** (np.linspace(first, last, end - begin) / 20)
    new = (made[begin:end] * gain).astype(np.float32)
    out = original.copy()
    out[start:stop] = new[before : before + stop - start]
    if before:
        out[begin:start] = crossfaded(original[begin:start], new[:before])
    if after:
        out[stop:end] = crossfaded(new[len(new) - after :], original[stop:end])
    return out


def _gain_db(original: _Samples, made: _Samples) -> float | None:
    """By how much the original is louder than its copy; None where one is silent."""
    a, b = (
        float(np.sqrt(np.mean(np.square(each, dtype=np.float64)))) if len(each) else 0.0 for each in (original, made)
    )
    if a < _SILENT or b < _SILENT:
        return None
    return float(np.clip(20 * np.log10(a / b), -_MOST_GAIN_DB, _MOST_GAIN_DB))


def _rms(samples: _Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
