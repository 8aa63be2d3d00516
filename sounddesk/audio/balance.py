"""Gains to suggest for stems that were generated apart, taken from a blend generated together.

Paper, section 4.4: objects generated separately all come out about equally loud, while a joint generation lets a large
or near source drown a small one. The blend therefore knows the balance that the stems have lost.

Stems and blend have their events at different times, so only the energy per mel band over the whole length is
compared: find g**2 >= 0 with  sum_i g_i**2 * E_i[band] = E_blend[band]  in the least-squares sense. Stems are taken
as incoherent, so that energies add.
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

Mel = npt.NDArray[np.floating[Any]]
Energies = npt.NDArray[np.float64]
GainNote = Literal["", "floor", "cap", "silent"]

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
        gains_db: one per stem, within floor and cap.
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


def balance_gains_db(
    stem_log_mels: Sequence[Mel],
    blend_log_mel: Mel,
    *,
    log_floor: float = 1e-5,
    floor_db: float = -24.0,
    cap_db: float = 12.0,
) -> BalanceSuggestion:
    """Gains at which the stems' summed mel energy matches the blend's.

    Args:
        stem_log_mels: natural-log magnitude mel spectrograms float[frames, n_mels]; lengths may differ, energies
            are per frame.
        blend_log_mel: the blend's, with as many mels.
        log_floor: magnitude that stands for silence (`MelSpec.log_floor`); taken out of every energy.
        floor_db: no gain is further than this below the highest one, so that no object falls silent: the user
            selected each.
        cap_db: no gain is above this.

    Raises:
        ValueError: no stem, shapes that do not fit, values that are not finite, a silent blend, or limits with
            `floor_db` > 0 or `cap_db` < 0.
    """
    if floor_db > 0.0 or cap_db < 0.0:
        raise ValueError(f"floor is {floor_db:g} dB and cap {cap_db:g} dB: they must enclose 0 dB")
    if not stem_log_mels:
        raise ValueError("no stem to balance: give at least one")
    blend = _band_energies(blend_log_mel, log_floor=log_floor)
    stems = np.stack([_band_energies(mel, log_floor=log_floor, n_mels=len(blend)) for mel in stem_log_mels], axis=1)
    if blend.sum() <= 0.0:
        raise ValueError("blend is silent: generate it with another seed")
    weights = 1.0 / (blend + _BAND_SHARE * blend.mean())
    rows, target = stems * weights[:, None], blend * weights
    silent = stems.sum(axis=0) < _SILENCE_SHARE * blend.sum()
    factors = np.ones(len(stem_log_mels))
    if not silent.all():
        factors[~silent] = _fit(rows[:, ~silent], target, common=blend.sum() / stems[:, ~silent].sum())
    gains_db, notes = _limit(factors, silent=silent, floor_db=floor_db, cap_db=cap_db)
    return BalanceSuggestion(
        gains_db=gains_db,
        notes=notes,
        residual=_residual(rows, target, 10.0 ** (np.array(gains_db) / 10.0)),
        residual_before=_residual(rows, target, np.ones(len(gains_db))),
    )


def _band_energies(log_mel: Mel, *, log_floor: float, n_mels: int | None = None) -> Energies:
    """Mean energy per band over time, silence taken out: float64[n_mels]."""
    if log_mel.ndim != 2 or 0 in log_mel.shape or (n_mels is not None and log_mel.shape[1] != n_mels):
        wanted = "n_mels" if n_mels is None else n_mels
        raise ValueError(f"log-mel has shape {list(log_mel.shape)}: give [frames, {wanted}]")
    if not np.isfinite(log_mel).all():
        raise ValueError("log-mel has values that are not finite: generate it again")
    energies = np.exp(2.0 * log_mel.astype(np.float64)).mean(axis=0)
    return np.maximum(0.0, energies - log_floor**2)


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
        gains.append(0.0 if silent[i] else float(max(capped, lowest_db)))
        notes.append(
            "silent" if silent[i] else "floor" if capped < lowest_db else "cap" if wanted_db[i] > cap_db else ""
        )
    return tuple(gains), tuple(notes)


def _residual(rows: Energies, target: Energies, factors: Energies) -> float:
    return float(np.linalg.norm(rows @ factors - target) / np.linalg.norm(target))
