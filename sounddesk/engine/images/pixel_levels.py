"""What the numbers of a picture mean: which value is white, by the bulk of them and never by one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

EightBit = npt.NDArray[np.uint8]
Values = npt.NDArray[Any]

# One in a thousand: glints, hot pixels and marks that are burnt in do not decide.
_BULK: Final = 0.999
_FARTHEST: Final = float(np.finfo(np.float32).max)
_SAMPLED_VALUES: Final = 1 << 22
_BLOCK_VALUES: Final = 1 << 22
# Sensors and scanners count so far in files of 16 bits; below the next step up a picture would be all but black.
_DEPTHS: Final = (8, 10, 12)
_DIM_OF_16_BITS: Final = 1 << 14
# A display-referred picture holds some value in the upper part of its range.
_LEAST_USE: Final = 1 / 8
_MANY_NEGATIVE: Final = 0.01
# Means of photographs: about 0.4 as stored for displays, below a fifth in linear light.
_LINEAR_MEAN: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Which values become black and white, and what to tell about that."""

    black: float
    white: float
    notes: tuple[str, ...] = ()


def to_eight_bit(values: Values, *, notes: list[str] | None = None) -> EightBit:
    """Integers wider than 8 bits and floats to 0..255, any shape; not finite values count as 0.

    A picture of 16 bits spans 0..65535, unless 99.9 % of its values fit into 12 bits or fewer. Floats span 0..1 unless
    the bulk lies above 1, then 0..255 or 0..65535; the few values above white are clipped. Where many values are
    negative, or no usual white fits, the bulk is stretched.

    Args:
        notes: takes sentences for the user.
    """
    if values.dtype == np.uint8:
        return np.asarray(values)
    levels = find_levels(values)
    if notes is not None:
        notes.extend(levels.notes)
    if values.dtype == np.uint16 and levels.white == 65535.0:
        return _by_blocks(values, lambda block: (block.astype(np.uint32) + 128) // 257)
    scale = 255.0 / max(levels.white - levels.black, 1e-12)
    black, scale = (float(np.clip(each, -_FARTHEST, _FARTHEST)) for each in (levels.black, scale))

    def scaled(block: Values) -> Values:
        # Far outside of black and white the product is infinite, and then clipped.
        with np.errstate(over="ignore", invalid="ignore"):
            return np.nan_to_num(np.rint((_finite(block) - black) * scale)).clip(0, 255)

    return _by_blocks(values, scaled)


def linear_to_eight_bit(values: npt.NDArray[np.float32], *, notes: list[str]) -> EightBit:
    """Linear light, float of any shape, by the curve of sRGB (IEC 61966-2-1); 1 is white.

    Where the bulk lies above 1 the picture is exposed so that it fits; else values above 1 are clipped.
    """
    sample = _sampled(values)
    positive = sample[sample > 0.0]
    white = 1.0
    if positive.size and float(np.median(positive)) > 1.0:
        white = float(np.quantile(positive, _BULK))
        notes.append(f"linear light up to {white:.3g}: exposed so that this is white")
    above = float(np.mean(sample > white)) if sample.size else 0.0
    clipped = f"; values above {white:.3g} ({_percent(above)}) are clipped" if above else ""
    notes.append(f"linear light shown by the curve of sRGB{clipped}")
    return _by_blocks(values, lambda block: np.rint(255.0 * srgb_curve((_finite(block) / white).clip(0.0, 1.0))))


def srgb_curve(linear: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Linear light in 0..1 to sRGB in 0..1 (IEC 61966-2-1).

    Example:
        >>> round(float(srgb_curve(np.float32([0.5]))[0]), 3)
        0.735
    """
    low = linear * np.float32(12.92)
    high = np.float32(1.055) * np.power(np.maximum(linear, np.float32(0.0031308)), np.float32(1 / 2.4)) - np.float32(
        0.055
    )
    return np.where(linear <= 0.0031308, low, high).astype(np.float32)


def find_levels(values: Values) -> Levels:
    """Black and white of integers wider than 8 bits or of floats."""
    sample = _sampled(values)
    if not sample.size:
        return Levels(black=0.0, white=1.0)
    if values.dtype == np.uint16:
        return _levels_of_sixteen_bits(sample)
    negative = float(np.mean(sample < 0.0))
    if negative >= _MANY_NEGATIVE:
        return _stretched(sample)
    is_float = values.dtype.kind == "f"
    positive = sample[sample > 0.0]
    if not positive.size:
        return Levels(black=0.0, white=1.0 if is_float else 255.0, notes=("all values are 0",))
    bulk = float(np.quantile(sample, _BULK))
    if is_float and float(np.median(positive)) <= 1.0:
        return _unit_levels(sample)
    for white in (255.0, 65535.0):
        if white * _LEAST_USE <= bulk <= white or (not is_float and bulk <= white):
            above = float(np.mean(sample > white))
            clipped = f"; values above it ({_percent(above)}) are clipped" if above else ""
            return Levels(black=0.0, white=white, notes=(f"values from 0 to {white:g} reduced to 8 bits{clipped}",))
    return _stretched(np.append(sample, 0.0))


def _levels_of_sixteen_bits(sample: npt.NDArray[np.float64]) -> Levels:
    bulk, most = float(np.quantile(sample, _BULK)), float(sample.max())
    depth = next((bits for bits in _DEPTHS if 0 < bulk < 1 << bits), None)
    if depth is not None:
        taken = f"16-bit image whose values go up to {bulk:g}: taken as {depth} bits"
        return Levels(black=0.0, white=float((1 << depth) - 1), notes=(taken,))
    notes = ["16-bit image reduced to 8 bits"]
    if 0 < bulk < _DIM_OF_16_BITS:
        notes.append(f"it is dark: its values go up to {most:g} of 65535; stretch it if they are of 14 bits")
    return Levels(black=0.0, white=65535.0, notes=tuple(notes))


def _unit_levels(sample: npt.NDArray[np.float64]) -> Levels:
    above = float(np.mean(sample > 1.0))
    clipped = f"; values above 1 ({_percent(above)}) are clipped" if above else ""
    notes = [f"values from 0 to 1 reduced to 8 bits{clipped}"]
    if above or float(np.mean(sample.clip(0.0, 1.0))) < _LINEAR_MEAN:
        notes.append("it may hold linear light: if it looks dark, save it with the curve of sRGB, or as OpenEXR")
    return Levels(black=0.0, white=1.0, notes=tuple(notes))


def _stretched(sample: npt.NDArray[np.float64]) -> Levels:
    """From the least to the greatest value, as far as these are not far off the bulk."""
    low, high = (float(each) for each in np.quantile(sample, (1 - _BULK, _BULK)))
    least, most = float(sample.min()), float(sample.max())
    reach = high - low
    low = least if least >= low - reach else low
    high = most if most <= high + reach else high
    return Levels(black=low, white=high, notes=(f"values from {low:g} to {high:g} stretched to 8 bits",))


def _sampled(values: Values) -> npt.NDArray[np.float64]:
    """At most some millions of the finite values, evenly spread."""
    flat = values.reshape(-1)
    # An odd step that no row length shares for long.
    step = -(-flat.size // _SAMPLED_VALUES) | 1
    with np.errstate(invalid="ignore"):
        some = flat[::step].astype(np.float64)
    return some[np.isfinite(some)]


def _finite(block: Values) -> npt.NDArray[np.float32]:
    # What no 32-bit float holds is as good as infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.nan_to_num(block.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _by_blocks(values: Values, convert: Callable[[Values], Values]) -> EightBit:
    """Converted some rows at a time, so that no copy of the whole in floats is made."""
    out = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, _BLOCK_VALUES // max(1, values[:1].size))
    for start in range(0, len(values), rows):
        out[start : start + rows] = convert(values[start : start + rows])
    return out


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 0.0001 else "under 0.01 %"
