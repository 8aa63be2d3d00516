"""Which page of a TIFF file is the picture (TIFF 6.0, TIFF Technical Note 1 on SubIFDs, DNG 1.7).

Files hold small copies, transparency masks and layers beside the picture, in the chain of directories or in trees below
them. Only the tags that decide are read here, and only so many directories; Pillow decodes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from typing import Final

_MAX_PAGES: Final = 4096
_MAX_TAGS: Final = 4096
_MAX_VALUES: Final = 64
_CODES: Final = {1: "B", 3: "H", 4: "I", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_REDUCED, _MASK = 1, 4
# Colour filter array, linear raw.
_RAW_PHOTOMETRIC: Final = (32803, 34892)
_UNSIGNED, _FLOAT = 1, 3


@dataclass(frozen=True, kw_only=True)
class TiffPage:
    """One directory of a TIFF file.

    Attributes:
        offset: where the directory begins, in bytes.
        width: of the page in pixels; 0 where the directory does not say.
        height: of the page in pixels.
        bits: per sample.
        samples: per pixel.
        is_float: whether the samples are floats.
        orientation: as EXIF counts it, 1 to 8.
        kind: the bits of NewSubfileType: 1 a reduced copy, 4 a transparency mask.
        is_raw: whether it is a sensor's picture, or the file says that it is a DNG.
    """

    offset: int
    width: int
    height: int
    bits: int
    samples: int
    is_float: bool
    orientation: int
    kind: int
    is_raw: bool

    @property
    def decoded_bytes(self) -> int:
        """What its samples take unpacked."""
        return self.width * self.height * self.samples * math.ceil(self.bits / 8)


def tiff_pages(data: bytes) -> tuple[TiffPage, ...]:
    """The pages of a file, those of its chain first, each followed by those below it.

    Raises:
        ValueError: not a TIFF file, or its first directory is damaged.
    """
    return tuple(_Directories(data).pages())


def choose_page(pages: tuple[TiffPage, ...]) -> TiffPage:
    """The picture: the largest page that is neither a reduced copy nor a transparency mask, of several the first.

    Raises:
        ValueError: there is no page.
    """
    if not pages:
        raise ValueError("it has no page")
    candidates = [page for page in pages if not page.kind & (_REDUCED | _MASK)] or list(pages)
    return max(candidates, key=lambda page: page.width * page.height)


def starting_at(data: bytes, page: TiffPage) -> bytes:
    """The file with `page` as its first one, for readers that know no other."""
    order = "<" if data[:2] == b"II" else ">"
    place, code = (8, "Q") if _is_big(data) else (4, "I")
    if struct.unpack_from(order + code, data, place)[0] == page.offset:
        return data
    changed = bytearray(data)
    struct.pack_into(order + code, changed, place, page.offset)
    return bytes(changed)


def _is_big(data: bytes) -> bool:
    return data[2:4] in (b"+\x00", b"\x00+")


class _Directories:
    """Reads directories; every offset is checked against the file's length."""

    def __init__(self, data: bytes) -> None:
        if data[:4] not in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
            raise ValueError("not a TIFF file")
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self._big = _is_big(data)

    def pages(self) -> Iterator[TiffPage]:
        seen: set[int] = set()
        waiting = [self._one("Q" if self._big else "I", 8 if self._big else 4)]
        is_dng = False
        while waiting and len(seen) < _MAX_PAGES:
            offset = waiting.pop(0)
            if offset == 0 or offset in seen:
                continue
            seen.add(offset)
            try:
                tags, following = self._directory(offset)
            except (ValueError, struct.error):
                if len(seen) == 1:
                    raise ValueError("its first directory is damaged") from None
                continue
            is_dng = is_dng or 50706 in tags
            yield _page(offset, tags, is_dng=is_dng)
            waiting = [*tags.get(330, ()), following, *waiting]

    def _one(self, code: str, at: int) -> int:
        if at + struct.calcsize(code) > len(self._data):
            raise ValueError("it ends too early")
        found: int = struct.unpack_from(self._order + code, self._data, at)[0]
        return found

    def _directory(self, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
        count = self._one("Q" if self._big else "H", offset)
        if count > _MAX_TAGS:
            raise ValueError(f"a directory has {count} tags")
        start, size = offset + (8 if self._big else 2), 20 if self._big else 12
        tags: dict[int, tuple[int, ...]] = {}
        for index in range(count):
            at = start + index * size
            tag, kind = self._one("H", at), self._one("H", at + 2)
            values = self._values(kind, at + 4) if tag in _WANTED else None
            if values is not None:
                tags[tag] = values
        end = start + count * size
        word = "Q" if self._big else "I"
        following = self._one(word, end) if end + struct.calcsize(word) <= len(self._data) else 0
        return tags, following

    def _values(self, kind: int, at: int) -> tuple[int, ...] | None:
        code = _CODES.get(kind)
        if code is None:
            return None
        word = "Q" if self._big else "I"
        count, inline = self._one(word, at), struct.calcsize(word)
        # A sub-directory's list may be long; of the other tags the first values say it all.
        kept = min(count, _MAX_VALUES)
        width = struct.calcsize(code)
        place = at + inline if count * width <= inline else self._one(word, at + inline)
        if place + kept * width > len(self._data):
            raise ValueError("a value lies outside the file")
        return struct.unpack_from(f"{self._order}{kept}{code}", self._data, place)


_WANTED: Final = frozenset({254, 255, 256, 257, 258, 262, 274, 277, 330, 339, 50706})


def _page(offset: int, tags: dict[int, tuple[Any, ...]], *, is_dng: bool) -> TiffPage:
    def first(tag: int, default: int) -> int:
        values = tags.get(tag)
        return int(values[0]) if values else default

    # The tag before TIFF 6.0: 2 is a reduced copy.
    old = _REDUCED if first(255, 1) == 2 else 0
    return TiffPage(
        offset=offset,
        width=max(0, first(256, 0)),
        height=max(0, first(257, 0)),
        bits=max(tags.get(258) or (1,)),
        samples=first(277, 1),
        is_float=first(339, _UNSIGNED) == _FLOAT,
        orientation=first(274, 1),
        kind=first(254, old),
        is_raw=is_dng or first(262, 1) in _RAW_PHOTOMETRIC,
    )
