"""Waveforms for training: plain crops, events laid out over time, and mixtures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sounddesk.training.data.recordings import Samples
from sounddesk.training.data.recordings import random_crop
from sounddesk.training.data.recordings import scale_peak


def crop_batch(
    recordings: Sequence[Samples], *, length: int, batch_size: int, rng: np.random.Generator, peak: float
) -> npt.NDArray[np.float32]:
    """Random crops of random recordings, float32[batch_size, length], at random levels.

    A third are sums of two recordings; the level lies between `peak` / 10 and twice `peak`, so that
    codec and vocoder also know quiet passages and the louder sums of a blend.
    """
    out = np.empty((batch_size, length), dtype=np.float32)
    for i in range(batch_size):
        crop = random_crop(recordings[int(rng.integers(len(recordings)))], length, rng).copy()
        if rng.random() < 1 / 3:
            other = random_crop(recordings[int(rng.integers(len(recordings)))], length, rng)
            crop = scale_peak(crop, 1.0) + scale_peak(other, float(rng.uniform(0.1, 1.0)))
        level = peak * float(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))) if rng.random() < 0.6 else peak
        out[i] = scale_peak(crop, level)
    return out


def lay_out(samples: Samples, *, length: int, repeat: str, rng: np.random.Generator) -> Samples:
    """Arrange a recording over `length` samples: looped, repeated or once, as its kind behaves.

    'continuous' sounds fill the length (looped with a crossfade), 'repeating' ones come again after
    pauses of 0.1 to 2 s, a 'one-shot' sounds once or twice. So the model learns pauses and repetition on
    purpose instead of 'one event, then nothing'.
    """
    if repeat == "continuous":
        return _loop(samples, length, rng)
    out = np.zeros(length, dtype=np.float32)
    if len(samples) >= length:
        return random_crop(samples, length, rng)
    if repeat == "one-shot":
        start = int(rng.integers(0, max(1, min(length - len(samples), length // 4) + 1)))
        out[start : start + len(samples)] += samples
        return out
    rate_hz = 16_000
    position = int(rng.integers(0, rate_hz // 2))
    pause = rng.uniform(0.1, 1.2)
    while position < length:
        piece = samples[: length - position] * float(rng.uniform(0.7, 1.0))
        out[position : position + len(piece)] += piece
        position += len(samples) + int(rate_hz * pause * rng.uniform(0.6, 1.5))
    return out


def _loop(samples: Samples, length: int, rng: np.random.Generator) -> Samples:
    if len(samples) >= length:
        return random_crop(samples, length, rng)
    fade = max(1, min(len(samples) // 4, 3200))
    ramp = np.sqrt(np.linspace(0.0, 1.0, fade, dtype=np.float32))
    grain = samples.copy()
    grain[:fade] *= ramp
    grain[-fade:] *= ramp[::-1]
    out = np.zeros(length + 2 * len(samples), dtype=np.float32)
    position = 0
    while position < length + len(samples):
        out[position : position + len(grain)] += grain
        position += len(grain) - fade
    start = int(rng.integers(len(samples)))
    return out[start : start + length]
