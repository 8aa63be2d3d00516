from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.exporters.naming_template import FIELDS
from sounddesk.audio.exporters.naming_template import check_template
from sounddesk.audio.exporters.naming_template import fill_template
from sounddesk.domain.naming import unique_file_stems

FORBIDDEN = set('<>:"/\\|?*.') | {chr(code) for code in range(32)}
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{project}_{object}", "street_dog"),
        ("{project}_{object}_{take}", "street_dog"),
        ("{object} - {take} - {project}", "dog - street"),
        ("{take}{object}", "dog"),
        ("x", "x"),
    ],
)
def test_fields_are_filled_and_empty_ones_take_their_separator_along(template: str, expected: str) -> None:
    assert fill_template(template, {"project": "street", "object": "dog", "take": ""}) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [("", "blank"), ("{nose}", r"\{nose\}: choose from project"), ("{object", "does not close"), ("a}", "not close")],
)
def test_a_wrong_template_is_named(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_template(template)


def test_a_name_that_looks_like_a_field_stays_text() -> None:
    assert fill_template("{object}_{project}", {"object": "{project}", "project": "p"}) == "{project}_p"


@given(
    template=st.lists(
        st.one_of(st.sampled_from([f"{{{field}}}" for field in FIELDS]), st.text("ab _-./:é{}", max_size=4))
    )
    .map("".join)
    .filter(str.strip),
    rows=st.lists(st.fixed_dictionaries({field: st.text(max_size=90) for field in FIELDS}), min_size=1, max_size=6),
)
def test_names_are_safe_on_every_file_system_and_differ(template: str, rows: list[dict[str, str]]) -> None:
    try:
        texts = [fill_template(template, row) for row in rows]
    except ValueError:
        return
    stems = unique_file_stems(texts)
    keys = {unicodedata.normalize("NFKC", stem).casefold() for stem in stems}
    assert len(keys) == len(rows)
    for stem in stems:
        assert stem
        assert not set(stem) & FORBIDDEN
        assert stem == stem.strip(" .")
        assert stem.casefold() not in DEVICES
        assert len(f"{stem}.dawproject".encode()) <= 255
        assert stem == unicodedata.normalize("NFC", stem)
