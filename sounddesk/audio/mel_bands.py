"""The mel scale, and triangular bands on it: for spectrogram pictures and for comparing the levels of sounds."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

LOWEST_HZ: Final = 40.0


def hz_to_mel(frequency_hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Mel scale after O'Shaughnessy, 2595 log10(1 + f / 700)."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(frequency_hz, dtype=np.float64) / 700.0))


def mel_to_hz(mel: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    return np.asarray(700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0))


def mel_triangles(*, sample_rate_hz: int, n_fft: int, n_bands: int, top_hz: float) -> npt.NDArray[np.float64]:
    """Triangles over the bins of a Fourier transform, float64[n_bands, n_fft // 2 + 1], each 1 at its centre.

    Centres are evenly spaced on the mel scale between 40 Hz and `top_hz` (both excluded), lowest first; a triangle
    reaches to the centres on both sides, so that the triangles of wide bands add up to 1. Bands above half of the
    sample rate are 0 throughout.
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(top_hz), n_bands + 2))
    bins = np.arange(n_fft // 2 + 1) * sample_rate_hz / n_fft
    # Between two bins a band interpolates: no triangle is narrower than the distance of bins.
    spacing = sample_rate_hz / n_fft
    centres = edges[1:-1, None]
    rising = np.maximum(centres - edges[:-2, None], spacing)
    falling = np.maximum(edges[2:, None] - centres, spacing)
    distance = bins[None, :] - centres
    return np.maximum(0.0, 1.0 - np.where(distance < 0.0, -distance / rising, distance / falling))
