"""Crossfades that keep the power of what they join, whether the two sides are alike or not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Samples = npt.NDArray[np.float32]


def crossfaded(first: _Samples, second: _Samples) -> _Samples:
    """From `first` to `second`, both float32[n, channels] or float32[n] of one length; power stays even.

    Two sounds that are alike add up by their samples, others by their power; the curves are scaled for how alike these
    are (after Fink, Holters and Zoelzer, DAFx 2016).

    Example:
        >>> tone = np.ones(5, np.float32)
        >>> crossfaded(tone, tone).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if len(first) != len(second):
        raise ValueError(f"sides of a crossfade have {len(first)} and {len(second)} samples: give equally many")
    position = (np.arange(len(first), dtype=np.float64) + 0.5) / max(1, len(first))
    fall, rise = np.cos(position * np.pi / 2), np.sin(position * np.pi / 2)
    scale = 1.0 / np.sqrt(np.maximum(1.0 + 2.0 * likeness(first, second) * fall * rise, 0.1))
    if first.ndim == 2:
        fall, rise, scale = fall[:, None], rise[:, None], scale[:, None]
    return np.asarray((first * fall + second * rise) * scale, dtype=np.float32)


def likeness(first: _Samples, second: _Samples) -> float:
    """Correlation of two sounds of one length, -1 to 1; 0 where one is silent."""
    a, b = first.astype(np.float64).ravel(), second.astype(np.float64).ravel()
    power = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / power if power > 1e-12 else 0.0


def joined(first: _Samples, second: _Samples, *, overlap: int) -> _Samples:
    """Two sounds one after the other, the last `overlap` samples of one crossfaded with the first of the other."""
    overlap = min(overlap, len(first), len(second))
    if not overlap:
        return np.concatenate([first, second])
    middle = crossfaded(first[-overlap:], second[:overlap])
    return np.concatenate([first[:-overlap], middle, second[overlap:]])


def as_loop(samples: _Samples, *, overlap: int) -> _Samples:
    """A sound whose end leads into its start: shorter by `overlap`, which is crossfaded over the seam.

    Raises:
        ValueError: it is not twice as long as the overlap.
    """
    if len(samples) < 2 * overlap:
        raise ValueError(f"{len(samples)} samples cannot be looped over {overlap}: choose a longer sound")
    if not overlap:
        return samples
    seam = crossfaded(samples[-overlap:], samples[:overlap])
    return np.concatenate([seam, samples[overlap:-overlap]])
