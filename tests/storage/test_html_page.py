from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from sounddesk.storage.html_page import render_template
from tests.page_reader import PageReader

TEMPLATE = """\
{% extends "layout.html" %}
{% from "media.html" import audio_player, picture %}
{% block style %}p { color: red; }{% endblock %}
{% block body %}<p>{{ audio_player(name, name) }}{{ picture(name, name, (4, 3)) }}</p>{% endblock %}
"""


def test_any_name_makes_a_whole_page(tmp_path: Path) -> None:
    name = "a<b> & \"c\" 'd' #1?.wav"
    template = tmp_path / "page.html"
    template.write_text(TEMPLATE)
    page = PageReader(render_template(template, title=name, name=name))
    assert page.problems == []
    assert name in page.text
    players = [values for tag, values in page.tags if tag in ("audio", "img")]
    assert [values.get("aria-label", values.get("alt")) for values in players] == [name, name]
    assert (players[1]["width"], players[1]["height"]) == ("4", "3")
    assert set(page.links) == {"a%3Cb%3E%20%26%20%22c%22%20%27d%27%20%231%3F.wav"}


def test_what_a_template_asks_for_and_is_not_given_is_an_error(tmp_path: Path) -> None:
    template = tmp_path / "page.html"
    template.write_text(TEMPLATE)
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        render_template(template, title="x")


def test_every_template_of_the_package_can_be_read() -> None:
    from jinja2 import Environment

    package = Path("sounddesk")
    templates = [path for path in package.rglob("*") if path.suffix in (".html", ".svg")]
    assert {"layout.html", "media.html", "summary_page.html", "gallery_page.html", "live_view.html"} <= {
        path.name for path in templates
    }
    for path in templates:
        text = path.read_text()
        Environment(autoescape=True).parse(text)
        # Text is escaped everywhere: no template takes that back.
        assert "| safe" not in text


def test_the_reader_finds_what_is_wrong() -> None:
    wrong = PageReader(
        '<p><b></p><img src="x"><th>a</th><input><a href="http://x.y/">l</a><i id="k"></i><i id="k"></i>'
    )
    assert len(wrong.problems) == 6
