"""The sample values that a WAV file can hold.

A PCM file of b bits holds the values k / 2**(b - 1) for whole k from -2**(b - 1) to 2**(b - 1) - 1. With up to 24
bits each is exact in float32, so samples rounded here come back from the file as they are, and sums of them are
exact as long as they stay within full scale.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def quantize(samples: npt.NDArray[np.floating[Any]], *, wav_format: WavFormat) -> Waveform:
    """The nearest values that the format holds (ties to even, no dither), float32; not cut off at full scale."""
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


def full_scale(wav_format: WavFormat) -> float:
    """What 1.0 is in steps of the format: 2**(b - 1); 1 for FLOAT, which has no steps."""
    bits = bits_of(wav_format)
    return 1.0 if bits is None else float(2 ** (bits - 1))


def pack_steps(channels: Sequence[Waveform], *, wav_format: WavFormat) -> npt.NDArray[Any]:
    """The bytes of a WAV file's `data` chunk, as a contiguous array.

    Args:
        channels: one or two channels, float32[n] each, in whole steps of the format within its range (FLOAT: samples).
            The same array twice is packed once.
    """
    frames = len(channels[0])
    if wav_format != "PCM_24":
        out = np.empty((frames, len(channels)), dtype="<i2" if wav_format == "PCM_16" else "<f4")
        for number, channel in enumerate(channels):
            out[:, number] = channel
        return out
    # Three bytes a sample are moved as halves of six: several times quicker than byte by byte. A pair of samples is
    # left and right, or two neighbours where there is one channel.
    words = [channel.astype(np.int32) for channel in channels[: 1 if channels[-1] is channels[0] else 2]]
    if len(channels) == 2:
        return _pairs_of_24_bits(words[0], words[-1])
    pairs = _pairs_of_24_bits(words[0][: frames - frames % 2 : 2], words[0][1::2]).reshape(-1).view(np.uint8)
    return pairs if frames % 2 == 0 else np.concatenate([pairs, words[0][-1:].view(np.uint8)[:3]])


def _pairs_of_24_bits(first: npt.NDArray[np.int32], second: npt.NDArray[np.int32]) -> npt.NDArray[np.int16]:
    """The lower 24 bits of two samples each, int16[n, 3]."""
    pairs = np.empty((len(first), 3), dtype="<i2")
    pairs[:, 0] = first
    pairs[:, 1] = ((first >> 16) & 0xFF) | (second << 8)
    pairs[:, 2] = second >> 8
    return pairs
