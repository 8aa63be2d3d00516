from __future__ import annotations

import os

from lxml import html

from sounddesk.batch.summary_page import summary_page
from sounddesk.domain.batch_manifest import Row


def row(frame: str, name: str = "", *, error: str | None = None) -> Row:
    return Row(
        frame=frame,
        object=name,
        kind="object" if name else "",
        take=1 if name else 0,
        input_sha256="a",
        seed=1,
        settings={},
        image_sha256="b",
        notes=(),
        status="failed" if error else "done",
        error=error,
        files={} if error or not name else {f"{frame}/{name}.wav": "c"},
    )


def failures(page: html.HtmlElement) -> list[str]:
    found = page.xpath("//td[@class='failed'] | //td/span[@class='failed']")
    return [each.text_content() for each in found]


def test_a_broken_frame_is_told_once_and_found_by_a_link() -> None:
    name = "shot #3 <b>.png"
    rows = [
        row("shot.2.png", "dog"),
        row("shot.2.png"),
        row(name, "dog", error="cut & off"),
        row(name, error="cut & off"),
    ]
    page = html.fromstring(summary_page(rows, title="shot"))
    assert failures(page) == ["cut & off"]
    (link,) = page.xpath("//a")
    assert link.text_content() == name
    assert [each.text_content() for each in page.xpath("//tr[@id=$name]/td[1]", name=name)] == [name]
    assert link.get("href") == "#shot%20%233%20%3Cb%3E.png"


def test_an_object_that_failed_is_told_at_its_place() -> None:
    rows = [row("a.png", "dog", error="no memory"), row("a.png", "cat"), row("a.png", error="dog: no memory")]
    page = html.fromstring(summary_page(rows, title="shot"))
    assert failures(page) == ["no memory"]


def test_a_name_that_is_no_text_stands_escaped() -> None:
    name = os.fsdecode(b"caf\xe9.1.png")
    text = summary_page([row(name, error="cut off"), row("\ud800.png")], title=name)
    page = html.fromstring(text.encode("utf-8").decode())
    (link,) = page.xpath("//a")
    assert link.text_content() == "caf\\xe9.1.png"
    assert [each.text_content() for each in page.xpath("//tr[@id=$name]/td[1]", name="caf\\xe9.1.png")] == [
        "caf\\xe9.1.png"
    ]
    assert "\\ud800.png" in text
