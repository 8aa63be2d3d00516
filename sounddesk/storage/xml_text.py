"""Where XML from outside becomes elements; nothing else in the package parses it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from typing import Final
from xml.etree import ElementTree as ET

from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.text_formats import MAX_TEXT_BYTES
from sounddesk.storage.text_formats import FieldError

MAX_ELEMENTS: Final = 2_000_000
# Counted by what stands in them, before any is made.
_MAX_ATTRIBUTES: Final = 2_000_000
_MAX_NAMESPACES: Final = 1000
# Before version 2.6 the parser begins a name or a value that is not whole anew with every block.
_BLOCK: Final = 1 << 22
MAX_DEPTH: Final = 64


def read_xml(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> ET.Element:
    """The root of an XML file. Raises: FieldError, which names the file; OSError."""
    with open_foreign_file(path) as file:
        data = file.read(min(max_bytes, os.fstat(file.fileno()).st_size) + 1)
    if len(data) > max_bytes:
        raise FieldError(f"{path} is larger than {max_bytes >> 20} MiB, which no file of its kind is")
    try:
        return parse_xml(data)
    except FieldError as error:
        raise FieldError(f"{path}: {error}") from None


def parse_xml(data: bytes) -> ET.Element:
    """The root of an XML text in UTF-8 without a document type, which could name other files or grow without end.

    Raises:
        FieldError: not well-formed, not UTF-8, with a document type, too deep or too long.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FieldError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FieldError("it has a document type: remove the line that begins with <!DOCTYPE")
    if text.count("=") > _MAX_ATTRIBUTES or text.count("xmlns") > _MAX_NAMESPACES:
        raise FieldError("it has more attributes or namespaces than any file of its kind")
    parser: Any = ET.XMLPullParser(events=("start", "end"))
    depth = count = 0
    root: ET.Element | None = None
    try:
        for start in range(0, len(text), _BLOCK):
            parser.feed(text[start : start + _BLOCK])
            for event, element in parser.read_events():
                root = element if root is None else root
                depth += 1 if event == "start" else -1
                count += event == "start"
                if depth > MAX_DEPTH or count > MAX_ELEMENTS:
                    raise FieldError("its elements are nested too deeply, or too many")
        parser.close()
    except ET.ParseError as error:
        raise FieldError(f"not XML: {error}") from None
    except ValueError as error:
        raise FieldError(f"not XML: {str(error)[:60]}") from None
    if root is None:
        raise FieldError("not XML: it has no element")
    return root
