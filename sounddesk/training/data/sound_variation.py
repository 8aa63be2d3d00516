"""Augmentation of recordings that keeps their kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.training.data.recordings import Samples
from sounddesk.training.data.recordings import random_crop
from sounddesk.training.data.recordings import scale_peak
from sounddesk.training.data.soundscapes import lay_out

FLOOR_DEPTH = 8.0
"""Depth of a gap below the loudest mel value, nepers."""


def change_speed(samples: Samples, ratio: float) -> Samples:
    """Play `ratio` times as fast, pitch moving along, by linear interpolation; at least two samples stay."""
    count = max(2, int(len(samples) / ratio))
    positions = np.linspace(0.0, len(samples) - 1, count)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def varied_waveform(
    samples: Samples,
    *,
    repeat: str,
    length: int,
    peak: float,
    others: Sequence[Samples],
    rng: np.random.Generator,
) -> Samples:
    """A recording resampled and shifted in time, mixed with other sounds and noise, float32[length].

    Speed within 8 %; `lay_out` of the kind, or the plain recording at any place; in a quarter of the cases
    another recording 12 to 32 dB below; in half of the cases white or falling noise 25 to 65 dB below the peak.
    """
    changed = change_speed(samples, float(np.exp(rng.uniform(-0.08, 0.08))))
    style = rng.random()
    if style < 0.6:
        laid = lay_out(changed, length=length, repeat=repeat, rng=rng)
    elif style < 0.8:
        laid = lay_out(changed, length=length, repeat=("continuous", "repeating")[int(rng.integers(2))], rng=rng)
    else:
        laid = random_crop(changed, length, rng)
    if np.abs(laid).max() < 1e-4:
        laid = lay_out(changed, length=length, repeat="continuous", rng=rng)
    sound = scale_peak(laid, peak)
    if rng.random() < 0.25:
        other = random_crop(others[int(rng.integers(len(others)))], length, rng)
        sound = sound + scale_peak(other, peak * _from_db(-rng.uniform(12, 32)))
    if rng.random() < 0.5:
        sound = sound + _noise(length, rng) * peak * _from_db(-rng.uniform(25, 65))
    return sound.astype(np.float32)


def vary_log_mel(log_mel: Tensor, rng: np.random.Generator) -> Tensor:
    """Colour, dull, blur and mask each log-mel float32[B, T, n_mels] of a batch on its own.

    - A smooth equaliser curve, up to 9 dB; in a third of the cases a low-pass slope above a random band.
    - In half of the cases a small blur in time and frequency, as codecs and vocoders leave behind; and fine noise.
    - Two time and two band gaps (SpecAugment, Park et al. 2019) at the floor of the clip.
    """
    batch, frames, bands = log_mel.shape
    out = log_mel + torch.from_numpy(_equaliser(batch, bands, rng))[:, None]
    blurred = torch.from_numpy(rng.random(batch) < 0.5)
    smooth = _blur(out, time=float(rng.uniform(0.3, 2.0)), band=float(rng.uniform(0.2, 0.8)))
    out = torch.where(blurred[:, None, None], smooth, out)
    grain = torch.from_numpy(rng.uniform(0.0, 0.35, batch).astype(np.float32))[:, None, None]
    out = out + grain * torch.randn(out.shape)
    floor = out.amax(dim=(1, 2), keepdim=True) - FLOOR_DEPTH
    for _ in range(2):
        out = torch.where(_gaps(batch, frames, frames // 8, rng)[:, :, None], floor, out)
        out = torch.where(_gaps(batch, bands, bands // 8, rng)[:, None, :], floor, out)
    return out


def _gaps(batch: int, length: int, widest: int, rng: np.random.Generator) -> Tensor:
    """One gap per row, 0 to `widest` positions wide: bool[batch, length]."""
    width = rng.integers(0, widest + 1, batch)
    start = rng.integers(0, length - width + 1)
    positions = np.arange(length)[None]
    return torch.from_numpy((positions >= start[:, None]) & (positions < (start + width)[:, None]))


def mix_log_mels(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Log-mels float32[B, T, n_mels] of sums of two sounds, amplitudes 1 - `share` and `share` (float32[B], below 1).

    Magnitudes add here as if the phases agreed, which overstates the sum by 6 dB at most where both are as loud.
    """
    amount = share[:, None, None]
    return torch.log((1.0 - amount) * torch.exp(first) + amount * torch.exp(second))


def _equaliser(batch: int, bands: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Curves through five random points, and falling slopes above a random band; nepers, float32[batch, bands]."""
    knots = rng.normal(0.0, 0.45, (batch, 5)).clip(-1.0, 1.0)
    positions = np.arange(bands)
    curves = np.stack([np.interp(positions, np.linspace(0, bands - 1, 5), row) for row in knots])
    dull = rng.random(batch) < 1 / 3
    corner = rng.uniform(0.4, 1.0, batch) * bands
    slope = rng.uniform(0.02, 0.4, batch)
    falls = np.maximum(0.0, positions[None] - corner[:, None]) * slope[:, None]
    return (curves - falls * dull[:, None]).astype(np.float32)


def _blur(mels: Tensor, *, time: float, band: float) -> Tensor:
    """Gaussian blur of float32[B, T, n_mels] with these standard deviations in frames and bands."""
    maps = mels[:, None]
    for sigma, along_time in ((time, True), (band, False)):
        reach = max(1, round(2 * sigma))
        taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
        taps = taps / taps.sum()
        if along_time:
            padded = torch.nn.functional.pad(maps, (0, 0, reach, reach), mode="replicate")
            maps = torch.nn.functional.conv2d(padded, taps[None, None, :, None])
        else:
            padded = torch.nn.functional.pad(maps, (reach, reach, 0, 0), mode="replicate")
            maps = torch.nn.functional.conv2d(padded, taps[None, None, None, :])
    return maps[:, 0]


def _noise(length: int, rng: np.random.Generator) -> Samples:
    """White noise, or noise falling with frequency, with peak about 1."""
    white = rng.standard_normal(length).astype(np.float32)
    if rng.random() < 0.5:
        return (white / 4).astype(np.float32)
    falling = np.cumsum(white)
    falling -= np.convolve(falling, np.ones(64) / 64, mode="same")
    return scale_peak(falling.astype(np.float32), 1.0)


def _from_db(decibels: float) -> float:
    return float(10 ** (decibels / 20))
