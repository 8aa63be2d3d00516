from __future__ import annotations

from typing import Any

import pytest

from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.scene import check_unique_names
from sounddesk.domain.scene import free_name
from sounddesk.domain.tiled_mask import TiledMask

MASK = TiledMask.empty(width=3, height=2)


def test_an_object_keeps_what_it_was_given() -> None:
    scene_object = SceneObject(id="o1", name="dog/🐶", mask=MASK, seed=7, hint="bark")
    assert (scene_object.name, scene_object.hint, scene_object.strip) == ("dog/🐶", "bark", MixerStrip())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " \n"}, "is blank"),
        ({"seed": -1}, "seed is -1"),
        ({"colour": "red"}, "colour of 'dog' is 'red'"),
        ({"seconds": 61.0}, "length of 'dog' is 61 s: choose from 1 s to 60 s"),
        ({"kind": "sound"}, "kind of 'dog' is 'sound'"),
    ],
)
def test_wrong_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SceneObject(**{"id": "o1", "name": "dog", "mask": MASK, "seed": 1, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain_db": float("nan")}, "gain is nan dB"),
        ({"gain_db": 61.0}, "gain is 61 dB: choose from -60 dB to 60 dB"),
        ({"pan": 1.5}, "pan is 1.5: choose from -1"),
        ({"pan": float("nan")}, "pan is nan"),
    ],
)
def test_wrong_strip_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MixerStrip(**change)


@pytest.mark.parametrize("names", [["dog", " dog "], ["caf\u00e9", "cafe\u0301"]])
def test_the_same_name_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="is given twice"):
        check_unique_names(names)


def test_names_that_differ_in_case_are_two() -> None:
    check_unique_names(["dog", "Dog"])


def test_free_name_counts_on() -> None:
    assert free_name("dog", ["cat"]) == "dog"
    assert free_name("dog", ["dog", "dog 2"]) == "dog 3"
