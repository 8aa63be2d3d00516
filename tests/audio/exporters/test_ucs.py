from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.exporters.ucs import UNKNOWN_CAT_ID
from sounddesk.audio.exporters.ucs import suggest_cat_id
from sounddesk.audio.exporters.ucs import ucs_name
from sounddesk.domain.naming import safe_file_stem
from sounddesk.resources_folder import resource


@pytest.mark.parametrize(
    ("name", "cat_id"),
    [
        ("dog", "ANMLDog"),
        ("Red fire truck", "VEHSirn"),
        ("truck", "VEHTruck"),
        ("dog house door", "DOORMisc"),
        ("Cars", "VEHCar"),
        ("sea lion", "ANMLAqua"),
        ("lion 2", "ANMLWcat"),
        ("steam train", "TRNSteam"),
        ("thing", "OBJMisc"),
        ("", "OBJMisc"),
    ],
)
def test_the_category_follows_from_the_name(name: str, cat_id: str) -> None:
    assert suggest_cat_id(name) == cat_id


def test_an_ambience_without_a_known_word_is_an_ambience() -> None:
    assert suggest_cat_id("rest", kind="ambience") == "AMBMisc"


def test_every_kind_of_the_starter_has_a_category() -> None:
    kinds = [entry["kind"] for entry in json.loads((resource("starter") / "kinds.json").read_text())]
    assert [kind for kind in kinds if suggest_cat_id(kind) == UNKNOWN_CAT_ID] == []


def test_the_four_fields() -> None:
    assert (
        ucs_name(name="big dog", take=3, creator_id="Jane Doe", source_id="street")
        == "ANMLDog_BigDogTake03_JaneDoe_Street"
    )
    assert ucs_name(name="dog", creator_id="", source_id="") == "ANMLDog_Dog_SDSK_NONE"


@given(name=st.text(max_size=60), creator=st.text(max_size=40), source=st.text(max_size=40), take=st.integers(1, 99))
def test_there_are_always_four_fields_and_no_other_separator(name: str, creator: str, source: str, take: int) -> None:
    made = ucs_name(name=name, creator_id=creator, source_id=source, take=take)
    cat_id, fx_name, *ids = made.split("_")
    assert len(ids) == 2
    assert re.fullmatch(r"[A-Z]{2,5}[A-Za-z]*", cat_id)
    assert fx_name and len(fx_name) <= 25 and all(ids)
    assert safe_file_stem(made).count("_") == 3 or len(made.encode()) > 80
