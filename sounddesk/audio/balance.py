"""Gains to suggest for stems that were generated apart, taken from a blend generated together.

Paper, section 4.4: objects generated separately all come out about equally loud, while a joint generation lets a large
or near source drown a small one. The blend therefore knows the balance that the stems have lost.

Stems and blend have their events at different times, so only the energy per mel band over the whole length is
compared: find g**2 >= 0 with  sum_i g_i**2 * E_i[band] = E_blend[band]  in the least-squares sense. Stems are taken
as incoherent, so that energies add. Energies are measured in the sounds themselves: the spectrogram that a model made
on the way is not kept with a take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls
from scipy.signal import welch

from sounddesk.audio.files.pcm import check_samples
from sounddesk.audio.mel_bands import mel_triangles
from sounddesk.domain.levels import MAX_GAIN_DB

# Mono samples float[n] and their rate in Hz.
Sound = tuple[npt.NDArray[np.floating[Any]], int]
Energies = npt.NDArray[np.float64]
GainNote = Literal["", "floor", "cap", "silent"]

_N_FFT: Final = 2048
_N_BANDS: Final = 64
_TOP_HZ: Final = 20_000.0
# -100 dBFS in a band is silence.
_SILENCE_POWER: Final = 1e-10
# Bands further than this below the blend's mean band energy weigh less and less: they are noise to the ear.
_BAND_SHARE: Final = 0.1
# Weight of 'all stems at one common gain', which decides only where the spectra cannot tell stems apart.
_PRIOR_WEIGHT: Final = 1e-4
# A stem with less than this share of the blend's energy is silent: there is nothing to turn up.
_SILENCE_SHARE: Final = 1e-8


@dataclass(frozen=True, kw_only=True)
class BalanceSuggestion:
    """Gains that make the stems' sum match the blend; a suggestion that the user may refuse.

    Attributes:
        gains_db: one per stem, within floor and cap, in whole hundredths: the number that is shown is the one applied.
        notes: one per stem: 'floor' or 'cap' where a limit decided, 'silent' where the stem has no energy
            (its gain is 0 dB), '' otherwise.
        residual: relative error of the band energies with these gains, 0 is a perfect match (root mean square over
            bands, weighted as in the fit).
        residual_before: the same with every gain at 0 dB.
    """

    gains_db: tuple[float, ...]
    notes: tuple[GainNote, ...]
    residual: float
    residual_before: float


def suggest_gains(stems: Sequence[Sound], blend: Sound) -> BalanceSuggestion:
    """Gains at which stems that were generated apart add up like a blend generated together.

    The window and the command line both call this, so that one scene gets one balance. It compares the sounds
    themselves, which every take has, also one from an older project or from files of a batch.

    Args:
        stems: each object's sound; lengths and sample rates may differ.
        blend: the sound of all of them.

    Raises:
        ValueError: no stem, samples that are not finite, or a silent blend.

    Example:
        >>> import numpy as np
        >>> time_s = np.arange(16_000) / 16_000
        >>> dog, car = (np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (300, 2_000))
        >>> found = suggest_gains([(dog, 16_000), (car, 16_000)], (dog + car / 10, 16_000))
        >>> [round(gain_db) for gain_db in found.gains_db]
        [0, -20]
    """
    return balance_gains_db([band_energies(*stem) for stem in stems], band_energies(*blend))


def band_energies(samples: npt.NDArray[np.floating[Any]], sample_rate_hz: int) -> Energies:
    """Mean power of a mono sound float[n] in 64 mel bands up to 20 kHz: float64[64], 1 is a full-scale square wave.

    Raises:
        ValueError: no mono sound, or samples that are not finite.
    """
    check_samples(samples)
    if samples.ndim != 1:
        raise ValueError(f"sound has {samples.shape[1]} channels: balance mono sounds")
    # Padded, so that the window does not fade out what stands at the very beginning or end.
    padded = np.pad(samples.astype(np.float64), _N_FFT // 2)
    _, density = welch(padded, fs=sample_rate_hz, nperseg=_N_FFT, detrend=False)
    # The mean over windows that reach into the padding as one over the sound.
    hop = _N_FFT // 2
    density *= (1 + len(samples) // hop) * hop / len(samples)
    triangles = mel_triangles(sample_rate_hz=sample_rate_hz, n_fft=_N_FFT, n_bands=_N_BANDS, top_hz=_TOP_HZ)
    return np.asarray(triangles @ density * (sample_rate_hz / _N_FFT))


def balance_gains_db(
    stem_energies: Sequence[Energies], blend_energies: Energies, *, floor_db: float = -24.0, cap_db: float = 12.0
) -> BalanceSuggestion:
    """Gains at which the stems' summed energies match the blend's, band by band.

    Args:
        stem_energies: float64[bands] each, as from `band_energies`.
        blend_energies: the blend's, in the same bands.
        floor_db: no gain is further than this below the highest one, so that no object falls silent: the user
            selected each.
        cap_db: no gain is above this.

    Raises:
        ValueError: no stem, other bands than the blend's, values that are negative or not finite, a silent blend, or
            limits with `floor_db` > 0 or `cap_db` < 0.
    """
    if floor_db > 0.0 or cap_db < 0.0:
        raise ValueError(f"floor is {floor_db:g} dB and cap {cap_db:g} dB: they must enclose 0 dB")
    if not stem_energies:
        raise ValueError("no stem to balance: give at least one")
    blend = _sounding(blend_energies, bands=len(blend_energies))
    stems = np.stack([_sounding(energies, bands=len(blend)) for energies in stem_energies], axis=1)
    if blend.sum() <= 0.0:
        raise ValueError("blend is silent: generate it with another seed")
    weights = 1.0 / (blend + _BAND_SHARE * blend.mean())
    rows, target = stems * weights[:, None], blend * weights
    silent = stems.sum(axis=0) < _SILENCE_SHARE * blend.sum()
    factors = np.ones(len(stem_energies))
    if not silent.all():
        factors[~silent] = _fit(rows[:, ~silent], target, common=blend.sum() / stems[:, ~silent].sum())
    gains_db, notes = _limit(factors, silent=silent, floor_db=floor_db, cap_db=cap_db)
    residual = _residual(rows, target, 10.0 ** (np.array(gains_db) / 10.0))
    before = _residual(rows, target, np.ones(len(gains_db)))
    if residual > before and not any(note in ("floor", "cap") for note in notes):
        # The stems add up already, and rounding to hundredths would move them away.
        gains_db, residual = (0.0,) * len(gains_db), before
    return BalanceSuggestion(gains_db=gains_db, notes=notes, residual=residual, residual_before=before)


def _sounding(energies: Energies, *, bands: int) -> Energies:
    """Energies without what nobody hears."""
    if energies.shape != (bands,) or not bands:
        raise ValueError(f"band energies have shape {list(energies.shape)}: give [{bands or 'bands'}]")
    if not np.isfinite(energies).all() or (energies < 0.0).any():
        raise ValueError("band energies are negative or not finite: generate the sound again")
    return np.maximum(0.0, energies - _SILENCE_POWER)


def _fit(rows: Energies, target: Energies, *, common: float) -> Energies:
    """Power factors x >= 0 that minimise |rows x - target|**2 + small weight * |x / common - 1|**2 (one row each)."""
    n_stems = rows.shape[1]
    prior = math.sqrt(_PRIOR_WEIGHT * len(target))
    # In units of the common factor, so that the prior means the same however loud the stems are.
    matrix = np.vstack([rows * common, prior * np.eye(n_stems)])
    scaled, _ = nnls(matrix, np.concatenate([target, np.full(n_stems, prior)]))
    return np.asarray(scaled * common)


def _limit(
    factors: Energies, *, silent: npt.NDArray[np.bool_], floor_db: float, cap_db: float
) -> tuple[tuple[float, ...], tuple[GainNote, ...]]:
    """Power factors as gains in dB within the limits; silent stems at 0 dB."""
    with np.errstate(divide="ignore"):
        wanted_db = np.where(silent, 0.0, 10.0 * np.log10(factors))
    capped_db = np.minimum(wanted_db, cap_db)
    lowest_db = capped_db[~silent].max(initial=-math.inf) + floor_db
    gains: list[float] = []
    notes: list[GainNote] = []
    for i, capped in enumerate(capped_db):
        gains.append(0.0 if silent[i] else _in_hundredths(max(capped, lowest_db, -MAX_GAIN_DB)))
        notes.append(
            "silent" if silent[i] else "floor" if capped < lowest_db else "cap" if wanted_db[i] > cap_db else ""
        )
    return tuple(gains), tuple(notes)


def _in_hundredths(gain_db: float) -> float:
    # Adding 0 makes a plain zero of a negative one.
    return round(float(gain_db), 2) + 0.0


def _residual(rows: Energies, target: Energies, factors: Energies) -> float:
    return float(np.linalg.norm(rows @ factors - target) / np.linalg.norm(target))
