"""How much of a sound is the wanted one: scale-invariant signal-to-distortion ratio (Le Roux et al. 2019)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_LEAST_ENERGY = 1e-12


def si_sdr_db(estimate: npt.NDArray[np.floating], wanted: npt.NDArray[np.floating]) -> float:
    """In dB, of two sounds float[n]; neither level nor offset counts. NaN where the wanted sound is silent.

    Example:
        >>> tone, other = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
        >>> round(si_sdr_db(3 * tone + 0.3 * other, tone), 6)
        20.0
    """
    if estimate.shape != wanted.shape or estimate.ndim != 1:
        raise ValueError(f"sounds {estimate.shape} and {wanted.shape}: give two of one length")
    x = estimate.astype(np.float64) - estimate.mean()
    s = wanted.astype(np.float64) - wanted.mean()
    energy = float(s @ s)
    if energy < _LEAST_ENERGY:
        return float("nan")
    target = (float(x @ s) / energy) * s
    rest = x - target
    return float(10 * np.log10(max(float(target @ target), _LEAST_ENERGY) / max(float(rest @ rest), _LEAST_ENERGY)))
