"""XML of others is bounded before elements are made of it."""

from __future__ import annotations

import time

import pytest

from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.xml_text import parse_xml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<a " + " ".join(f"b{n}=''" for n in range(2_000_001)) + "/>", "more attributes or namespaces"),
        ("<a " + " ".join(f"xmlns:b{n}='c'" for n in range(1001)) + "/>", "more attributes or namespaces"),
        ("<a>" * 80 + "</a>" * 80, "nested too deeply, or too many"),
        ("<a><b></a>", "not XML: mismatched tag"),
        ("<!DOCTYPE a><a/>", "has a document type"),
        ("", "not XML: no element found|not XML: it has no element"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        parse_xml(text.encode())


@pytest.mark.parametrize("text", ["<{}/>", "<a b='{}'/>", "<a><!--{}--></a>"])
def test_a_long_name_or_value_is_read_once_and_not_anew_with_every_block(text: str) -> None:
    data = text.format("b" * (16 << 20)).encode()
    begin_s = time.process_time()
    parse_xml(data)
    # 4 s where the parser is fed by 64 KiB.
    assert time.process_time() - begin_s < 2
