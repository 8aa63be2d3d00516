from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.mask import Box
from sounddesk.domain.render_recipe import FileReference
from sounddesk.domain.render_recipe import ImageReference
from sounddesk.domain.render_recipe import RecipeObject
from sounddesk.domain.render_recipe import RenderRecipe
from sounddesk.domain.render_recipe import Sampling
from sounddesk.domain.seeds import MAX_SEED
from sounddesk.domain.selection import Click
from sounddesk.domain.selection import Selection
from sounddesk.storage.render_recipe_file import recipe_from_json
from sounddesk.storage.render_recipe_file import recipe_from_text
from sounddesk.storage.render_recipe_file import recipe_to_json
from sounddesk.storage.render_recipe_file import recipe_to_text
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

HASH = "0123456789abcdef" * 4


def recipe(**changes: Any) -> RenderRecipe:
    mask = FileReference(name="masks/dog.png", sha256=HASH)
    selections = {
        "dog/🐶": Selection(how="clicks", clicks=(Click(x=420, y=310), Click(x=1, y=2, positive=False))),
        "car": Selection(how="box", box=Box(left=10, top=20, right=300, bottom=240)),
        "sea": Selection(how="mask_file", mask_file="sea.png"),
        "thing": Selection(how="auto"),
    }
    objects = [
        RecipeObject(name=name, selection=selection, mask=mask, seeds=(1, MAX_SEED), files=("a.wav", "a-2.wav"))
        for name, selection in selections.items()
    ]
    objects.append(
        RecipeObject(
            name="ambience",
            kind="ambience",
            selection=Selection(how="complement"),
            mask=mask,
            seeds=(3, 4),
            hint="wind",
            gain_db=-3.5,
            suggested_gain_db=-6.25,
        )
    )
    values: dict[str, Any] = {
        "image": ImageReference(path="street.jpg", sha256=HASH, width=640, height=480),
        "objects": tuple(objects),
        "seed": 7,
        "seconds": 10.0,
        "takes": 2,
        "sampling": Sampling(preset="fast", steps=25, guidance=2.0),
        "bundle": FileReference(name="starter", sha256=HASH),
        "segmenter": FileReference(name="grabcut", sha256=None),
        "made_with": {"torch": "2.14.1", "device": "cpu"},
    }
    return RenderRecipe(**(values | changes))


def changed(path: list[str | int], value: Any) -> Any:
    """The example's JSON with one value replaced, or its key removed for `...`."""
    data = json.loads(recipe_to_text(recipe()))
    part = data
    for key in path[:-1]:
        part = part[key]
    if value is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return data


def test_text_round_trip_gives_an_equal_recipe() -> None:
    text = recipe_to_text(recipe())
    again = recipe_from_text(text)
    assert again == recipe()
    assert recipe_to_text(again) == text
    assert [each.kind for each in again.objects] == [each.kind for each in recipe().objects]
    assert recipe_from_text("\ufeff" + text) == again


@given(
    st.text(st.characters(exclude_characters="\0")).filter(lambda name: name.strip()),
    st.integers(0, MAX_SEED),
    st.floats(1.0, 60.0),
    st.floats(-60.0, 60.0),
)
def test_any_name_seed_and_number_survives(name: str, seed: int, seconds: float, gain_db: float) -> None:
    first = RecipeObject(
        name=name,
        selection=Selection(how="whole"),
        mask=FileReference(name="m.png", sha256=HASH),
        seeds=(seed,),
        hint=name,
        gain_db=gain_db,
    )
    made = recipe(objects=(first,), takes=1, seed=seed, seconds=seconds, common_gain_db=gain_db)
    text = recipe_to_text(made)
    text.encode("ascii")
    assert recipe_from_text(text) == made


def test_keys_of_a_newer_minor_version_survive_in_every_part() -> None:
    data = json.loads(recipe_to_text(recipe()))
    data["version"] = "1.9"
    data["new"] = {"a": [1, None]}
    for part in (
        data["image"],
        data["objects"][0],
        data["objects"][0]["selection"],
        data["objects"][0]["mask"],
        data["sampling"],
        data["bundle"],
        data["segmenter"],
    ):
        part["new"] = [1.5, "x"]
    assert recipe_to_json(recipe_from_json(data)) == data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format"], "other", "format is 'other': expected 'sounddesk-render'"),
        (["version"], "2.0", "version is '2.0' and this sounddesk reads 1.x"),
        (["version"], "1", "version is '1': expected MAJOR.MINOR"),
        (["seconds"], ..., "seconds is missing: expected a number"),
        (["secnds"], 3, "secnds is not a key of this version"),
        (["objects", 1, "gian"], 3, r"objects\[1\]\.gian is not a key"),
        (["seconds"], "10", 'seconds is "10": expected a number'),
        (["seconds"], True, "seconds is true: expected a number"),
        (["seconds"], 0, "seconds is 0: expected 1.0 to 60.0"),
        (["seconds"], float("inf"), "seconds is inf: expected a finite number"),
        (["takes"], 2.0, "takes is 2.0: expected a whole number"),
        (["takes"], 3, "'dog/🐶' has 2 seeds for 3 takes"),
        (["objects"], [], "recipe has no objects"),
        (["objects"], {}, "objects is an object of keys and values: expected a list"),
        (["objects", 0], 5, r"objects\[0\] is 5: expected an object"),
        (["objects", 1, "name"], "dog/🐶", "object name 'dog/🐶' is given twice"),
        (["objects", 1, "kind"], "ambience", "ambience more than once"),
        (["objects", 1, "kind"], "noise", r"objects\[1\]\.kind is 'noise': expected one of 'object', 'ambience'"),
        (["objects", 0, "seeds", 1], -1, r"objects\[0\]\.seeds\[1\] is -1: expected 0 to"),
        (["objects", 0, "seeds", 1], 2**63, r"objects\[0\]\.seeds\[1\] is 9223372036854775808"),
        (["objects", 0, "files"], ["a"], "1 files for 2 seeds"),
        (["objects", 0, "mask", "sha256"], None, "mask of 'dog/🐶' has no SHA-256"),
        (["objects", 0, "mask", "sha256"], "abc", r"objects\[0\]\.mask\.sha256 is 'abc': expected the 64"),
        (["objects", 0, "selection", "how"], "magic", r"objects\[0\]\.selection\.how is 'magic'"),
        (
            ["objects", 0, "selection", "clicks"],
            ...,
            r"objects\[0\]\.selection: .* no click on the object",
        ),
        (["objects", 0, "selection", "clicks", 1], [1, 2], r"selection\.clicks\[1\] has 2 values: expected 3"),
        (["objects", 0, "selection", "clicks", 1], [1, 2, 7], r"selection\.clicks\[1\]\[2\] is 7: expected 0 to 1"),
        (["objects", 1, "selection", "box"], [5, 5, 5, 9], "no box of at least one pixel"),
        (["objects", 2, "selection", "mask_file"], "", "names no file"),
        (["sampling", "steps"], 0, "sampling.steps is 0: expected 1 to 1000"),
        (["bundle"], None, "bundle is null: expected an object"),
        (["bundle", "sha256"], None, "bundle 'starter' has no SHA-256"),
        (["made_with", "torch"], 2, "made_with.torch is 2: expected text"),
        (["objects", 4, "hint"], 2, r"objects\[4\]\.hint is 2: expected text or null"),
        (["objects", 4, "gain_db"], -99, r"objects\[4\]\.gain_db is -99: expected -60.0 to 60.0"),
        (["image", "path"], "x" * 99 and ["x" * 99], "image.path is a list: expected text"),
        (["image", "width"], "x" * 99, r'image.width is "x{56}\.\.\.: expected a whole number'),
    ],
)
def test_errors_name_the_key_and_the_value(path: list[str | int], value: Any, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        recipe_from_json(changed(path, value))


def test_no_segmenter_is_fine() -> None:
    assert recipe_from_json(changed(["segmenter"], None)).segmenter is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON at line 1, column 1"),
        ('{"a": 1,}', "not JSON at line 1"),
        ("[]", "the file is a list: expected an object"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "key 'a' is given twice"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_text_that_is_no_recipe(text: str, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        recipe_from_text(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.data(), JSON_VALUES)
def test_a_foreign_value_anywhere_is_a_field_error_or_harmless(data: st.DataObject, value: Any) -> None:
    tree = json.loads(recipe_to_text(recipe()))
    part, key = tree, data.draw(st.sampled_from(sorted(tree)))
    while isinstance(part[key], (dict, list)) and part[key] and data.draw(st.booleans()):
        part = part[key]
        key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
    part[key] = value
    try:
        made = recipe_from_json(tree)
    except FieldError:
        return
    assert recipe_from_json(parse_json(recipe_to_text(made))) == made
