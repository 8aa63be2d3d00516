"""Reads sound catalogues (``.cat``) as used for transport game sound sets.

A catalogue opens with one pair of little-endian 32-bit numbers per sound: the offset of
its entry and the length of its RIFF data. Bit 31 of the first offset marks the newer
layout. An entry is a length byte, a NUL-terminated description, and the RIFF data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from sounddesk.domain.errors import BadInputError

_PAIR = struct.Struct("<II")
_OFFSET_MASK = 0x7FFF_FFFF


class CatError(BadInputError, ValueError):
    """A file that is no sound catalogue, or one that is cut off."""


@dataclass(frozen=True, kw_only=True)
class CatSound:
    """One sound of a catalogue: its place, its description (often with credits) and RIFF bytes."""

    index: int
    description: str
    riff: bytes


def read_cat(path: Path) -> list[CatSound]:
    """All sounds of ``path`` in order; raises `CatError` when the file cannot be a catalogue."""
    return parse_cat(path.read_bytes(), name=path.name)


def parse_cat(data: bytes, *, name: str = "catalogue") -> list[CatSound]:
    """All sounds of a catalogue held in memory; raises `CatError` when it is damaged."""
    if len(data) < _PAIR.size:
        raise CatError(f"{name} has {len(data)} bytes; a sound catalogue has at least {_PAIR.size}")
    # The entries begin right after the index, so the first offset tells its size.
    index_size = _PAIR.unpack_from(data)[0] & _OFFSET_MASK
    if index_size == 0 or index_size % _PAIR.size or index_size > len(data):
        raise CatError(f"{name} is no sound catalogue: its first entry would begin at byte {index_size}")
    sounds = []
    for index in range(index_size // _PAIR.size):
        offset, length = _PAIR.unpack_from(data, index * _PAIR.size)
        offset &= _OFFSET_MASK
        if offset >= len(data):
            raise CatError(f"{name} is cut off: sound {index} would begin at byte {offset} of {len(data)}")
        start = offset + 1 + data[offset]
        riff = data[start : start + length]
        if len(riff) != length:
            raise CatError(f"{name} is cut off inside sound {index}")
        text = data[offset + 1 : start].split(b"\0", 1)[0].decode("utf-8", "replace")
        sounds.append(CatSound(index=index, description=text, riff=riff))
    return sounds
