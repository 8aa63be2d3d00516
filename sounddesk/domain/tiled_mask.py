"""Masks as immutable values: soft coverage of every pixel, kept as compressed tiles that edits share."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import Box
from sounddesk.domain.mask import quantise_probability

TILE: Final = 256
Coverage = npt.NDArray[np.uint8]

_NOTHING: Final = b"\x00"
_ALL: Final = b"\xff"


@dataclass(frozen=True)
class TiledMask:
    """Which pixels belong to an object, as shares of 255.

    A value: equal masks compare equal and hash alike, and nothing can change one. A stroke makes a new mask that
    shares every tile it did not touch with the old one, so that hundreds of undo steps of a 4K image stay small and
    the end of a stroke costs only the tiles under it.

    Attributes:
        width, height: in pixels.
        tiles: row by row, `TILE` pixels square (less at the right and bottom edge). One byte 0 or 255 stands for a
            tile of that value throughout; all else is zlib-compressed pixels, row by row.
    """

    width: int
    height: int
    tiles: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"mask is {self.width} x {self.height} pixels: both must be at least 1")
        expected = tile_columns(self.width) * tile_columns(self.height)
        if len(self.tiles) != expected:
            raise ValueError(f"mask of {self.width} x {self.height} has {len(self.tiles)} tiles: expected {expected}")

    @classmethod
    def empty(cls, *, width: int, height: int) -> TiledMask:
        """A mask without a single pixel."""
        return cls(width, height, (_NOTHING,) * (tile_columns(width) * tile_columns(height)))

    @classmethod
    def from_array(cls, array: npt.NDArray[Any]) -> TiledMask:
        """From bool[H, W], uint8[H, W] (shares of 255) or float[H, W] (0 to 1).

        Raises:
            ValueError: another shape, kind or range.
        """
        coverage = as_coverage(array)
        height, width = coverage.shape
        return cls(width, height, tuple(_pack(coverage[rows, columns]) for rows, columns in _slices(width, height)))

    def to_array(self) -> Coverage:
        """Writable uint8[H, W]."""
        out = np.empty((self.height, self.width), dtype=np.uint8)
        for tile, (rows, columns) in zip(self.tiles, _slices(self.width, self.height), strict=True):
            _unpack_into(tile, out[rows, columns])
        return out

    def to_bool(self) -> npt.NDArray[np.bool_]:
        """bool[H, W]: pixels covered by at least half."""
        return np.asarray(self.to_array() >= 128)

    def region(self, box: Box) -> Coverage:
        """The pixels inside `box`, uint8[height, width]; `box` must lie within the mask."""
        self._check_inside(box)
        out = np.empty((box.height, box.width), dtype=np.uint8)
        for index in self._tiles_under(box):
            whole = self._tile(index)
            inside, target = self._overlap(index, box)
            out[target] = whole[inside]
        return out

    def with_region(self, *, left: int, top: int, pixels: npt.NDArray[Any]) -> TiledMask:
        """A mask whose pixels from (left, top) on are `pixels`; tiles that are not under them are shared."""
        coverage = as_coverage(pixels)
        box = Box(left=left, top=top, right=left + coverage.shape[1], bottom=top + coverage.shape[0])
        self._check_inside(box)
        tiles = list(self.tiles)
        for index in self._tiles_under(box):
            whole = self._tile(index)
            inside, source = self._overlap(index, box)
            whole[inside] = coverage[source]
            tiles[index] = _pack(whole)
        return TiledMask(self.width, self.height, tuple(tiles))

    @property
    def is_empty(self) -> bool:
        """Not a single pixel covered by at least half: nothing to generate from."""
        return not any(tile == _ALL or self._covers(index) for index, tile in enumerate(self.tiles))

    @cached_property
    def bounding_box(self) -> Box | None:
        """The smallest box around all pixels covered by at least half; None where there is none."""
        left, top, right, bottom = self.width, self.height, 0, 0
        for index, tile in enumerate(self.tiles):
            if tile == _NOTHING:
                continue
            covered = self._tile(index) >= 128
            ys, xs = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
            if not ys.size:
                continue
            x0, y0 = self._origin(index)
            left, top = min(left, x0 + int(xs[0])), min(top, y0 + int(ys[0]))
            right, bottom = max(right, x0 + int(xs[-1]) + 1), max(bottom, y0 + int(ys[-1]) + 1)
        return None if right == 0 else Box(left=left, top=top, right=right, bottom=bottom)

    @cached_property
    def sha256(self) -> str:
        """Hash (hex) of size and pixels; equal for equal masks."""
        digest = hashlib.sha256(struct.pack("<II", self.width, self.height))
        for index in range(len(self.tiles)):
            digest.update(np.ascontiguousarray(self._tile(index)).tobytes())
        return digest.hexdigest()

    def changed_box(self, other: TiledMask) -> Box | None:
        """A box around all tiles in which two masks of the same size differ; None where they are equal."""
        if (self.width, self.height) != (other.width, other.height):
            return Box(left=0, top=0, right=max(self.width, other.width), bottom=max(self.height, other.height))
        changed = [i for i, (a, b) in enumerate(zip(self.tiles, other.tiles, strict=True)) if a is not b and a != b]
        if not changed:
            return None
        origins = [self._origin(i) for i in changed]
        return Box(
            left=min(x for x, _ in origins),
            top=min(y for _, y in origins),
            right=min(self.width, max(x for x, _ in origins) + TILE),
            bottom=min(self.height, max(y for _, y in origins) + TILE),
        )

    def _origin(self, index: int) -> tuple[int, int]:
        row, column = divmod(index, tile_columns(self.width))
        return column * TILE, row * TILE

    def _covers(self, index: int) -> bool:
        return self.tiles[index] != _NOTHING and bool((self._tile(index) >= 128).any())

    def _tile(self, index: int) -> Coverage:
        x0, y0 = self._origin(index)
        out = np.empty((min(TILE, self.height - y0), min(TILE, self.width - x0)), dtype=np.uint8)
        _unpack_into(self.tiles[index], out)
        return out

    def _tiles_under(self, box: Box) -> list[int]:
        columns = tile_columns(self.width)
        return [
            row * columns + column
            for row in range(box.top // TILE, (box.bottom - 1) // TILE + 1)
            for column in range(box.left // TILE, (box.right - 1) // TILE + 1)
        ]

    def _overlap(self, index: int, box: Box) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where tile and box meet: slices into the tile, and into the box's pixels."""
        x0, y0 = self._origin(index)
        left, right = max(x0, box.left), min(x0 + TILE, self.width, box.right)
        top, bottom = max(y0, box.top), min(y0 + TILE, self.height, box.bottom)
        inside = (slice(top - y0, bottom - y0), slice(left - x0, right - x0))
        return inside, (slice(top - box.top, bottom - box.top), slice(left - box.left, right - box.left))

    def _check_inside(self, box: Box) -> None:
        inside = 0 <= box.left < box.right <= self.width and 0 <= box.top < box.bottom <= self.height
        if not inside:
            raise ValueError(f"{box} is not within the mask of {self.width} x {self.height} pixels")


def tile_columns(length: int) -> int:
    """How many tiles cover `length` pixels."""
    return -(-length // TILE)


def as_coverage(array: npt.NDArray[Any]) -> Coverage:
    """bool, uint8 or float (0 to 1) [H, W] as shares of 255. Raises: ValueError for anything else."""
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"mask has shape {list(array.shape)}: give [height, width]")
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint8:
        return array
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0.0 or array.max() > 1.0:
            raise ValueError("mask has values outside 0 to 1: scale it to 0 (outside) to 1 (inside)")
        return quantise_probability(array)
    raise ValueError(f"mask is {array.dtype}: give bool, uint8 or float")


def _slices(width: int, height: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            yield slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))


def _pack(tile: Coverage) -> bytes:
    first = tile.flat[0]
    if first in (0, 255) and bool((tile == first).all()):
        return _ALL if first else _NOTHING
    return zlib.compress(np.ascontiguousarray(tile).tobytes(), 1)


def _unpack_into(tile: bytes, out: Coverage) -> None:
    if len(tile) == 1:
        out[...] = tile[0]
    else:
        out[...] = np.frombuffer(zlib.decompress(tile), dtype=np.uint8).reshape(out.shape)
