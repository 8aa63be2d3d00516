"""Masks as 8-bit grey PNG files, written and read with zlib alone (PNG specification, third edition)."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MAX_PIXELS: Final = 200_000_000
_NONE, _SUB, _UP = 0, 1, 2

Coverage = npt.NDArray[np.uint8]


def encode_mask_png(coverage: Coverage) -> bytes:
    """A grey PNG of uint8[H, W]. Rows are stored as their difference from the row above, nearly all zeros in a mask."""
    height, width = coverage.shape
    rows = np.empty((height, width + 1), dtype=np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = coverage[0]
    np.subtract(coverage[1:], coverage[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        (_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)), _chunk(b"IEND", b""))
    )


def png_size(file: bytes) -> tuple[int, int]:
    """Width and height by the header alone. Raises: ValueError, no PNG or more than 200 megapixels."""
    if not file.startswith(_SIGNATURE) or file[12:16] != b"IHDR" or len(file) < 33:
        raise ValueError("the mask is no PNG file, or damaged")
    width, height = struct.unpack_from(">II", file, 16)
    if not 0 < width * height <= _MAX_PIXELS:
        raise ValueError(f"the mask is a PNG of {width} x {height} pixels")
    return width, height


def decode_mask_png(file: bytes) -> Coverage:
    """uint8[H, W] of a grey PNG as `encode_mask_png` writes it (8 bits, not interlaced, row filters none, sub or up).

    Raises:
        ValueError: another kind of file, or a damaged one.
    """
    if not file.startswith(_SIGNATURE):
        raise ValueError("the mask is no PNG file")
    header, data, offset = b"", [], len(_SIGNATURE)
    while offset + 12 <= len(file):
        (length,) = struct.unpack_from(">I", file, offset)
        kind, content = file[offset + 4 : offset + 8], file[offset + 8 : offset + 8 + length]
        end = offset + 12 + length
        if end > len(file) or struct.unpack_from(">I", file, end - 4)[0] != zlib.crc32(kind + content):
            raise ValueError("the mask is damaged: a checksum of its PNG is wrong")
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            data.append(content)
        elif kind == b"IEND":
            break
        offset = end
    if len(header) != 13:
        raise ValueError("the mask is damaged: its PNG has no header")
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if (bits, colour, interlaced) != (8, 0, 0) or not 0 < width * height <= _MAX_PIXELS:
        raise ValueError(f"the mask is a PNG of {width} x {height} pixels that is not plain 8-bit grey")
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(b"".join(data), height * (width + 1))
    except zlib.error as error:
        raise ValueError(f"the mask is damaged ({error})") from None
    if len(raw) != height * (width + 1):
        raise ValueError("the mask is damaged: its PNG ends too early")
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(height, width + 1)
    return _unfilter(rows[:, 0], rows[:, 1:])


def _unfilter(filters: Coverage, rows: Coverage) -> Coverage:
    if (filters == _UP).all():
        return np.add.accumulate(rows, axis=0, dtype=np.uint8)
    out = np.empty(rows.shape, dtype=np.uint8)
    above = np.zeros(rows.shape[1], dtype=np.uint8)
    for index, kind in enumerate(filters):
        if kind == _NONE:
            out[index] = rows[index]
        elif kind == _SUB:
            out[index] = np.add.accumulate(rows[index], dtype=np.uint8)
        elif kind == _UP:
            out[index] = rows[index] + above
        else:
            raise ValueError(f"the mask's PNG uses row filter {kind}: save it with filter none, sub or up")
        above = out[index]
    return out


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
