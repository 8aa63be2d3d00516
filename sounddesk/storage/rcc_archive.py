"""Reads Qt resource files (``.rcc``) without Qt.

A resource file is a header, a tree of nodes, a table of names and the payloads, all
big-endian. Only what a reader needs is implemented: every format version that is in use
(1 to 3), and the three ways a payload can be stored (plain, zlib, zstandard).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sounddesk.domain.errors import BadInputError

_MAGIC = b"qres"
_HEADER = struct.Struct(">4sIIII")
_COMPRESSED_ZLIB = 0x01
_DIRECTORY = 0x02
_COMPRESSED_ZSTD = 0x04


class RccError(BadInputError, ValueError):
    """A file that is no resource file, or one that is damaged or uses an unknown method."""


class _ZstdModule(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


class RccArchive:
    """One resource file, held in memory.

    The names are full paths without a leading slash. A payload is decompressed when it is
    asked for, so listing a large archive is cheap.
    """

    def __init__(self, data: bytes, *, name: str = "resource file") -> None:
        self._data = data
        self._name = name
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise RccError(f"{name} is not a Qt resource file; expected it to start with 'qres'")
        _, version, tree, payload, names = _HEADER.unpack_from(data)
        if not 1 <= version <= 3:
            raise RccError(f"{name} has format version {version}; versions 1 to 3 can be read")
        # Version 2 added eight bytes to every node: the time of the last change.
        self._node_size = 14 if version == 1 else 22
        self._tree = tree
        self._payload = payload
        self._names = names
        try:
            self._members = dict(self._walk(0, ""))
        except (struct.error, RecursionError) as error:
            raise RccError(f"{name} is damaged: its tree points outside the file") from error

    @classmethod
    def open(cls, path: Path) -> RccArchive:
        """Reads ``path``; raises `RccError` if it is no resource file and `OSError` if unreadable."""
        return cls(path.read_bytes(), name=path.name)

    def names(self) -> list[str]:
        """All member paths, sorted."""
        return sorted(self._members)

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def read(self, member: str) -> bytes:
        """The content of one member; raises `RccError` for an unknown name or a damaged payload."""
        try:
            offset, flags = self._members[member]
        except KeyError:
            raise RccError(f"{self._name} has no member {member!r}; it holds {len(self._members)} others") from None
        start = self._payload + offset
        if start + 4 > len(self._data):
            raise RccError(f"{self._name} is cut off before {member!r}")
        (length,) = struct.unpack_from(">I", self._data, start)
        raw = self._data[start + 4 : start + 4 + length]
        if len(raw) != length:
            raise RccError(f"{self._name} is cut off inside {member!r}")
        if flags & _COMPRESSED_ZLIB:
            # Four bytes of uncompressed length come before the zlib stream.
            try:
                return zlib.decompress(raw[4:])
            except zlib.error as error:
                raise RccError(f"{member!r} in {self._name} is damaged: {error}") from error
        if flags & _COMPRESSED_ZSTD:
            return _zstd(self._name).decompress(raw)
        return raw

    def _walk(self, node: int, prefix: str) -> Iterator[tuple[str, tuple[int, int]]]:
        start = self._tree + node * self._node_size
        _, flags = struct.unpack_from(">IH", self._data, start)
        if not flags & _DIRECTORY:
            (offset,) = struct.unpack_from(">I", self._data, start + 10)
            yield prefix, (offset, flags)
            return
        count, first = struct.unpack_from(">II", self._data, start + 6)
        for child in range(first, first + count):
            name = self._node_name(child)
            yield from self._walk(child, f"{prefix}/{name}" if prefix else name)

    def _node_name(self, node: int) -> str:
        (offset,) = struct.unpack_from(">I", self._data, self._tree + node * self._node_size)
        start = self._names + offset
        (length,) = struct.unpack_from(">H", self._data, start)
        # The length counts UTF-16 units; four bytes of hash stand between it and the text.
        return self._data[start + 6 : start + 6 + 2 * length].decode("utf-16-be")


def _zstd(name: str) -> _ZstdModule:
    try:
        import zstandard
    except ImportError:
        raise RccError(f"{name} holds zstandard payloads; install the 'zstandard' package to read them") from None

    class _Module:
        def decompress(self, data: bytes, /) -> bytes:
            return zstandard.ZstdDecompressor().decompressobj().decompress(data)

    return _Module()
