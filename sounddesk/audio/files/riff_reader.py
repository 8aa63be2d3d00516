"""What the chunks of a WAV file say: `bext`, `iXML` and `LIST INFO`, of RIFF, RF64 and BW64 alike.

Only the chunks' heads are walked and only small chunks are read, so that a file of any size takes a few reads.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import BinaryIO
from typing import Final

from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.xml_text import parse_xml

_WANTED: Final = {b"bext", b"iXML", b"LIST"}
_MOST_CHUNK_BYTES: Final = 1 << 20
_MOST_CHUNKS: Final = 4096
_MOST_TEXT: Final = 4000
_NOT_HERE: Final = 0xFFFFFFFF
# Elements of iXML that say what is heard; https://ixml.info, and Soundminer's and UCS' own under USER and ASWG.
_IXML_TEXTS: Final = ("PROJECT", "SCENE", "TAKE", "TAPE", "CATEGORY", "SUBCATEGORY", "FXNAME", "KEYWORDS", "LIBRARY")


@dataclass(frozen=True, kw_only=True)
class RiffTexts:
    """Texts of a WAV file's chunks; '' and empty where there are none.

    Attributes:
        description, originator, originator_reference: of `bext`.
        info: of `LIST INFO`, by the chunk's name ('INAM', 'ICMT', 'ICOP').
        ixml: of iXML, by the element's name; 'NOTE', 'CATID' and those of `_IXML_TEXTS`.
    """

    description: str = ""
    originator: str = ""
    originator_reference: str = ""
    info: dict[str, str] = field(default_factory=dict)
    ixml: dict[str, str] = field(default_factory=dict)


def read_riff_texts(path: Path) -> RiffTexts:
    """The texts of a WAV file; empty for anything else, and as far as they can be read for a damaged one.

    Raises:
        OSError: the file cannot be read.
    """
    with open_foreign_file(path) as file:
        found = _chunks(file)
    bext = found.get(b"bext", b"")
    return RiffTexts(
        description=_text(bext[:256]),
        originator=_text(bext[256:288]),
        originator_reference=_text(bext[288:320]),
        info=_info(found.get(b"LIST", b"")),
        ixml=_ixml(found.get(b"iXML", b"")),
    )


def _chunks(file: BinaryIO) -> dict[bytes, bytes]:
    """The first of each wanted chunk; of `LIST` the first that holds INFO."""
    head = file.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        return {}
    size_of_file = os.fstat(file.fileno()).st_size
    found: dict[bytes, bytes] = {}
    long_data: int | None = None
    offset = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(offset)
        name_and_size = file.read(8)
        if len(name_and_size) < 8:
            break
        name, size = struct.unpack("<4sI", name_and_size)
        if name == b"ds64":
            long_data = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))[1]
        if name == b"data" and size == _NOT_HERE:
            if long_data is None:
                break
            size = long_data
        if name in _WANTED and name not in found and size <= _MOST_CHUNK_BYTES:
            body = file.read(size)
            if name != b"LIST" or body[:4] == b"INFO":
                found[name] = body
        offset += 8 + size + size % 2
        if offset >= size_of_file:
            break
    return found


def _info(body: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    offset = 4
    while offset + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, offset)
        text = _text(body[offset + 8 : offset + 8 + size])
        if text:
            texts[name.decode("ascii", "replace")] = text
        offset += 8 + size + size % 2
    return texts


def _ixml(body: bytes) -> dict[str, str]:
    # Some programs fill the chunk up with zeros, or leave out what is behind the last element.
    try:
        root = parse_xml(body.rstrip(b"\0 \r\n\t"))
    except FieldError:
        return {}
    texts: dict[str, str] = {}
    for element in root.iter():
        name = element.tag.rpartition("}")[2].upper()
        text = (element.text or "").strip()[:_MOST_TEXT]
        if text and name in (*_IXML_TEXTS, "NOTE", "CATID", "LICENSE", "LICENCE"):
            texts.setdefault(name, text)
    return texts


def _text(data: bytes) -> str:
    """Up to the first zero, as UTF-8 where it is that, else as Latin-1."""
    data = data.partition(b"\0")[0][:_MOST_TEXT]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return " ".join(text.split())
