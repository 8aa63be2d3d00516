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
_LOCAL_GAIN_DB: Final = 6.0
"""By how much a gain beside the stretch may differ from that of the whole copy."""
_FAINT_DB: Final = 20.0
"""A neighbourhood so far below the sound says nothing of the level of its copy."""
_SILENT: Final = 1e-5


def put_in(original: _Samples, made: _Samples, *, start: int, stop: int, sample_rate_hz: int) -> _Samples:
    """`original` float32[n] with `made`, of the same length and rate, between `start` and `stop`.

    `made` is a copy of all of it whose stretch is new: by how loud its copy of the neighbourhood came out, its level is
    corrected on either side, so that no step is heard; its peak is at most that of the rest. Outside the stretch and
    its crossfades the samples are those of `original`, bit by bit.

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
    kept, copied = (np.concatenate([each[:start], each[stop:]]) for each in (original, made))
    faintest = 10 ** (-_FAINT_DB / 20)
    least = (max(_SILENT, faintest * _rms(kept)), max(_SILENT, faintest * _rms(copied)))
    whole = _gain_db(kept, copied, least=(_SILENT, _SILENT)) or 0.0

    def beside(place: slice) -> float:
        gain_db = _gain_db(original[place], made[place], least=least)
        return whole if gain_db is None else float(np.clip(gain_db, whole - _LOCAL_GAIN_DB, whole + _LOCAL_GAIN_DB))

    first, last = beside(slice(max(0, start - reach), start)), beside(slice(stop, stop + reach))
    begin, end = start - before, stop + after
    levelled = made[begin:end] * 10 ** (np.linspace(first, last, end - begin) / 20)
    most = float(np.abs(kept).max(initial=0.0))
    if most > _SILENT:
        levelled = levelled * min(1.0, most / max(float(np.abs(levelled).max()), _SILENT))
    new: _Samples = levelled.astype(np.float32)
    out = original.copy()
    out[start:stop] = new[before : before + stop - start]
    if before:
        out[begin:start] = crossfaded(original[begin:start], new[:before])
    if after:
        out[stop:end] = crossfaded(new[len(new) - after :], original[stop:end])
    return out


def _gain_db(original: _Samples, made: _Samples, *, least: tuple[float, float]) -> float | None:
    """By how much the original is louder than its copy; None where one's RMS is below its least."""
    a, b = _rms(original), _rms(made)
    if a < least[0] or b < least[1]:
        return None
    return float(np.clip(20 * np.log10(a / b), -_MOST_GAIN_DB, _MOST_GAIN_DB))


def _rms(samples: _Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
