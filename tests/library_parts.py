"""Sounds for libraries of recordings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def bark(*, seed: int = 0, rate: int = 16_000, count: int = 1) -> npt.NDArray[np.float32]:
    """Decaying bursts of noise, half a second apart."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(rate * (0.3 + 0.5 * count)), np.float32)
    for number in range(count):
        n = rate // 4
        start = round(rate * (0.1 + 0.5 * number))
        out[start : start + n] = rng.normal(0, 0.2, n) * np.exp(-6 * np.arange(n) / n)
    return out
