from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sounddesk.domain.project import Project
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


@pytest.mark.parametrize("painted", [(), ("o1",), ("o1", "o2")])
@pytest.mark.parametrize("kind", ["object", "blend", "ambience"])
def test_what_an_object_sounds_by_is_known_without_making_it(painted: tuple[str, ...], kind: Any) -> None:
    full = TiledMask.from_array(np.full((2, 3), 255, np.uint8))
    project = Project()
    for each in ("o1", "o2"):
        project = project.with_object(SceneObject(id=each, name=each, mask=full if each in painted else MASK, seed=1))
    members = ("o1", "o2") if kind == "blend" else ()
    project = project.with_object(SceneObject(id="o3", name="o3", mask=MASK, seed=1, kind=kind, members=members))
    assert project.has_sounding_mask("o3") is not project.sounding_mask("o3").is_empty
