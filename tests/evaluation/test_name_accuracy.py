"""Names of objects in photographs: figures of known answers, and a tiny bundle end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.evaluation import name_accuracy
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.name_accuracy import NameAccuracy
from sounddesk.evaluation.name_accuracy import NamedObject
from sounddesk.evaluation.object_kinds import RightNames
from tests.evaluation.conftest import COLOURS
from tests.evaluation.conftest import write_photograph


def named(label: str, right: tuple[str, ...], guesses: dict[str, float], near: tuple[str, ...] = ()) -> NamedObject:
    made = tuple(NameGuess(name=name, prompt=name, confidence=sure) for name, sure in guesses.items())
    return NamedObject(
        photograph=0,
        label=label,
        right=RightNames(kinds=frozenset(right), near=frozenset(near)),
        recognised=RecognisedObject(guesses=made, least_confidence=0.5),
    )


def test_figures_of_known_answers() -> None:
    objects = (
        named("dog", ("dog",), {"dog": 0.9, "car": 0.1}),
        named("puppy", ("dog",), {"car": 0.7, "dog": 0.2}),
        named("faint dog", ("dog",), {"dog": 0.3}),
        named("lamp", (), {"car": 0.6}),
        named("wolf", (), {"dog": 0.8}, near=("dog",)),
        named("vase", (), {"dog": 0.1}),
    )
    result = NameAccuracy(
        objects=objects, photographs=("a.png",), split="", masks="outline", bundle="b", bundle_sha256="0" * 64
    )
    found = result.to_json()
    shares = {
        name: (found[name]["hits"], found[name]["trials"])
        for name in ("named_right", "known_named", "unknown_named", "first_guess_right", "one_of_three_right")
    }
    assert shares == {
        "named_right": (1, 3),
        "known_named": (2, 3),
        "unknown_named": (1, 3),
        "first_guess_right": (2, 3),
        "one_of_three_right": (3, 3),
    }
    assert result.near_named == 1
    # The neighbour of what is not known counts neither way, in the table of confidences as well.
    assert sum(each["right"]["trials"] for each in found["reliability"]) == 5
    wrong = [line for line in result.details() if line.startswith("wrong")]
    assert wrong == ["wrong: a.png, puppy named car (70 %)", "wrong: a.png, lamp named car (60 %)"]


@pytest.mark.parametrize("masks", ["outline", "click"])
def test_every_outlined_object_is_asked_about(naming_bundle: Path, tmp_path: Path, masks: str) -> None:
    write_photograph(tmp_path, "a", ("dog", "lamp"))
    write_photograph(tmp_path, "b", ("car",))
    told = MEASURES.get("names").measure(
        None, photographs=tmp_path, split="", bundle=str(naming_bundle), masks=masks, progress=None, cancel=None
    )
    json.dumps(told.document)
    assert [each["label"] for each in told.document["named"]] == ["dog", "lamp", "car"]
    assert (told.document["objects"], told.document["known_objects"]) == (3, 2)
    for each in told.document["named"]:
        assert {name for name, _ in each["guesses"]} <= set(COLOURS)
        sure = [confidence for _, confidence in each["guesses"]]
        assert sure == sorted(sure, reverse=True)
        assert each["name"] == (each["guesses"][0][0] if sure and sure[0] >= 0.2 else None)
    if masks == "outline":
        assert all(each["guesses"] for each in told.document["named"])
    assert f"masks by {masks}" in told.line


def test_a_bundle_that_names_nothing_is_refused(bundle_with_kinds: Path, tmp_path: Path) -> None:
    write_photograph(tmp_path, "a", ("dog",))
    with pytest.raises(BadInputError, match="recognises no objects"):
        name_accuracy.run(tmp_path, bundle=bundle_with_kinds)
