"""The grid of sample values that a WAV file can hold.

A PCM file of b bits holds the values k / 2**(b - 1) for whole k from -2**(b - 1) to 2**(b - 1) - 1. With up to 24
bits each is exact in float32, so samples rounded here come back from the file as they are, and sums of them are
exact as long as they stay within full scale.
"""

from __future__ import annotations

from typing import Any
from typing import Final
from typing import Literal
from typing import get_args

import numpy as np
import numpy.typing as npt

Waveform = npt.NDArray[np.float32]
WavFormat = Literal["PCM_16", "PCM_24", "FLOAT"]

_BITS: Final[dict[str, int]] = {"PCM_16": 16, "PCM_24": 24}


def bits_of(wav_format: WavFormat) -> int | None:
    """Bits per PCM sample; None for 32-bit float.

    Raises:
        ValueError: unknown format.
    """
    if wav_format not in get_args(WavFormat):
        raise ValueError(f"WAV format is {wav_format!r}: choose one of {', '.join(get_args(WavFormat))}")
    return _BITS.get(wav_format)


def check_samples(samples: npt.NDArray[Any], *, name: str | None = None) -> None:
    """Refuse what is not sound.

    Raises:
        ValueError: not float, not [n] or [n, channels], no sample, or a sample that is not finite.
    """
    label = "sound" if name is None else f"sound of {name!r}"
    if not np.issubdtype(samples.dtype, np.floating) or samples.ndim not in (1, 2) or samples.size == 0:
        raise ValueError(f"{label} is {samples.dtype}{list(samples.shape)}: give float[n] or float[n, channels]")
    finite = np.isfinite(samples)
    if not finite.all():
        bad = int(samples.size - np.count_nonzero(finite))
        raise ValueError(f"{label} has {bad} samples that are not finite: generate it again")


def count_clipped(samples: npt.NDArray[np.floating[Any]], *, wav_format: WavFormat) -> int:
    """Number of samples that the format cannot hold and would cut off; 0 for FLOAT."""
    bits = bits_of(wav_format)
    if bits is None:
        return 0
    steps = np.rint(samples * np.float64(2 ** (bits - 1)))
    return int(np.count_nonzero((steps > 2 ** (bits - 1) - 1) | (steps < -(2 ** (bits - 1)))))


def round_to_grid(samples: npt.NDArray[np.floating[Any]], *, wav_format: WavFormat) -> Waveform:
    """The nearest value of the format's grid (ties to even, no dither), as float32; not cut off at full scale."""
    bits = bits_of(wav_format)
    if bits is None:
        return samples.astype(np.float32)
    scale = np.float64(2 ** (bits - 1))
    return (np.rint(samples * scale) / scale).astype(np.float32)


def to_integers(samples: npt.NDArray[np.floating[Any]], *, bits: int) -> npt.NDArray[np.int32]:
    """Whole sample values in the upper `bits` bits of an int32, cut off at full scale."""
    scale = 2 ** (bits - 1)
    steps = np.clip(np.rint(samples * np.float64(scale)), -scale, scale - 1)
    return np.asarray(steps.astype(np.int32) << (32 - bits))
