from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.cli.object_specs import parse_box
from sounddesk.cli.object_specs import parse_hint
from sounddesk.cli.object_specs import parse_mask
from sounddesk.cli.object_specs import parse_points
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.mask import Box
from sounddesk.domain.selection import Click

# Blanks around a name are taken off, so a name that starts or ends with one does not come back as given.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300).filter(
    lambda name: name.strip() == name
)
PIXELS = st.integers(0, 99_999)


@given(name=NAMES, clicks=st.lists(st.tuples(PIXELS, PIXELS, st.booleans()), min_size=1))
def test_any_name_and_any_clicks_come_back(name: str, clicks: list[tuple[int, int, bool]]) -> None:
    clicks = [(1, 2, True), *clicks]
    text = f"{name}@" + ";".join(f"{'' if positive else '-'}{x},{y}" for x, y, positive in clicks)
    spec = parse_points(text)
    assert spec.name == name
    assert spec.selection.clicks == tuple(Click(x=x, y=y, positive=positive) for x, y, positive in clicks)


def test_a_fraction_names_the_pixel_that_it_lies_in() -> None:
    assert parse_points("dog@420.9, 310").selection.clicks == (Click(x=420, y=310),)


@pytest.mark.parametrize(
    "text",
    [
        "dog",
        "dog@",
        "@420,310",
        " @420,310",
        "dog@420",
        "dog@420,310,5",
        "dog@a,b",
        "dog@4_2,3",
        "dog@٤٢,٣",
        "dog@1,2;",
    ],
)
def test_what_is_no_click_is_refused_with_the_text_named(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_points(text)
    assert repr(text) in str(caught.value)


def test_only_negative_clicks_select_nothing() -> None:
    with pytest.raises(BadInputError, match="only takes places away"):
        parse_points("dog@-380,200")


def test_box_with_clicks() -> None:
    spec = parse_box("red@car@10,20,300.2,240;150,100;-20,30")
    assert spec.name == "red@car"
    assert spec.selection.box == Box(left=10, top=20, right=301, bottom=240)
    assert spec.selection.clicks == (Click(x=150, y=100), Click(x=20, y=30, positive=False))


@pytest.mark.parametrize("text", ["car@10,20,10,240", "car@10,240,300,20"])
def test_a_box_without_area_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="'car' has no area"):
        parse_box(text)


def test_a_box_needs_four_numbers() -> None:
    with pytest.raises(BadInputError, match="LEFT,TOP,RIGHT,BOTTOM"):
        parse_box("car@10,20,300")


def test_mask_splits_at_the_last_at() -> None:
    spec = parse_mask("me@sea@sea.png")
    assert (spec.name, spec.selection.mask_file) == ("me@sea", "sea.png")


def test_mask_file_with_an_at_in_its_path_is_found(tmp_path: Path) -> None:
    file = tmp_path / "shot@2x.png"
    file.write_bytes(b"")
    spec = parse_mask(f"me@sea@{file}")
    assert (spec.name, spec.selection.mask_file) == ("me@sea", str(file))


def test_hint_belongs_to_the_longest_name() -> None:
    assert parse_hint("a=b=siren", names=["a", "a=b"]) == ("a=b", "siren")
    assert parse_hint("a=b=siren", names=["a"]) == ("a", "b=siren")


@pytest.mark.parametrize(
    ("text", "message"), [("cat=purr", "names no object"), ("dog", "names no"), ("dog= ", "empty")]
)
def test_a_hint_without_object_or_words_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_hint(text, names=["dog"])
