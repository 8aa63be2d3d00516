"""A function over a long sound, in overlapping pieces."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def in_pieces(function: Callable[[Tensor], Tensor], x: Tensor, *, piece: int, overlap: int, factor: int) -> Tensor:
    """`function` over `x` [B, n, ...] -> [B, n * factor, ...] in pieces of at most `piece` along axis 1.

    Neighbours share `overlap` input positions. The outer quarters of the overlap, where a piece lacks its
    neighbour's context, are dropped and the middle half is cross-faded, so a function that looks at no more than
    overlap / 4 positions on each side gives the result of one call over the whole.
    """
    length = x.shape[1]
    if length <= piece:
        return function(x)
    hop = piece - overlap
    count = math.ceil((length - overlap) / hop)
    result: Tensor | None = None
    for index in range(count):
        # The last piece ends with `x` and may overlap more, so that no piece is shorter than the others.
        start = min(index * hop, length - piece)
        y = function(x[:, start : start + piece])
        if result is None:
            result = y.new_zeros(y.shape[0], length * factor, *y.shape[2:])
            fade = torch.ones(y.shape[1])
        else:
            fade = _fade_in(y.shape[1], overlap=overlap * factor)
        fade = fade.to(y).reshape(1, -1, *(1,) * (y.dim() - 2))
        here = slice(start * factor, start * factor + y.shape[1])
        # torch.lerp, unlike a * (1 - w) + b * w, gives exactly a where both agree.
        result[:, here] = torch.lerp(result[:, here], y, fade)
    assert result is not None
    return result


def _fade_in(length: int, *, overlap: int) -> Tensor:
    """Weight of a later piece over its own outputs: 0, then a ramp in the middle of the overlap, then 1."""
    quarter = overlap // 4
    position = torch.arange(length, dtype=torch.float32) - quarter
    return ((position + 0.5) / (overlap - 2 * quarter)).clamp(0.0, 1.0)
