from __future__ import annotations

from sounddesk.storage.html_page import audio_player
from sounddesk.storage.html_page import html_page
from sounddesk.storage.html_page import picture
from tests.page_reader import PageReader


def test_any_name_makes_a_whole_page() -> None:
    name = "a<b> & \"c\" 'd' #1?.wav"
    page = PageReader(
        html_page(
            ["", f"<p>{audio_player(name, label=name)}{picture(name, alt=name, width=4, height=3)}</p>"],
            title=name,
            style="p { color: red; }",
        )
    )
    assert page.problems == []
    assert name in page.text
    players = [values for tag, values in page.tags if tag in ("audio", "img")]
    assert [values.get("aria-label", values.get("alt")) for values in players] == [name, name]
    assert (players[1]["width"], players[1]["height"]) == ("4", "3")
    assert set(page.links) == {"a%3Cb%3E%20%26%20%22c%22%20%27d%27%20%231%3F.wav"}


def test_the_reader_finds_what_is_wrong() -> None:
    wrong = PageReader(
        '<p><b></p><img src="x"><th>a</th><input><a href="http://x.y/">l</a><i id="k"></i><i id="k"></i>'
    )
    assert len(wrong.problems) == 6
