from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sounddesk.domain.scene import SceneObject
from sounddesk.domain.scene import check_unique_names

MASK = np.ones((2, 3), dtype=bool)


def test_an_object_keeps_what_it_was_given() -> None:
    scene_object = SceneObject(name="dog/🐶", mask=MASK, seed=7, hint="bark", gain_db=-3.0, pan=0.5, muted=True)
    assert (scene_object.name, scene_object.hint, scene_object.gain_db) == ("dog/🐶", "bark", -3.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " \n"}, "is blank"),
        ({"mask": ~MASK}, "mask of 'dog' is empty: select"),
        ({"seed": -1}, "seed is -1"),
        ({"gain_db": float("nan")}, "gain is nan dB"),
        ({"gain_db": 61.0}, "gain is 61 dB: choose from -60 dB to 60 dB"),
        ({"pan": 1.5}, "pan of 'dog' is 1.5: choose from -1"),
        ({"pan": float("nan")}, "pan of 'dog' is nan"),
    ],
)
def test_wrong_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SceneObject(**{"name": "dog", "mask": MASK, "seed": 0, **change})


@pytest.mark.parametrize("names", [["dog", "car", "dog"], ["dog", " dog "], ["dóg", "do\u0301g"]])
def test_the_doubled_name_is_named(names: list[str]) -> None:
    with pytest.raises(ValueError, match=f"object name {names[-1]!r} is given twice"):
        check_unique_names(names)


def test_names_that_differ_are_fine() -> None:
    check_unique_names(["dog", "Dog", "dog 2"])
    with pytest.raises(ValueError, match="blank"):
        check_unique_names(["dog", ""])
