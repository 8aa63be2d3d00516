from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from PIL import Image

from sounddesk.resources_folder import resource
from sounddesk.training.preparation.named_pictures import NamedRecipe
from sounddesk.training.preparation.named_pictures import load_named
from sounddesk.training.preparation.named_pictures import prepare_named
from sounddesk.training.preparation.starter_recipe import RecipeError
from sounddesk.training.preparation.starter_recipe import load_kinds
from sounddesk.training.preparation.starter_sources import Source
from sounddesk.training.preparation.starter_sources import SourceLibrary
from sounddesk.training.preparation.starter_sources import load_sources
from tests.training.preparation.archives import disc
from tests.training.preparation.archives import png

RECIPE = NamedRecipe(
    sets={"first": ("{name}.png", "{joined}.png"), "second": ("{CODE}.png",)},
    things={"1f4fb": "radio", "1fa9c": "step-ladder", "1f40c": "snail"},
)


@pytest.fixture
def library(tmp_path: Path) -> SourceLibrary:
    """Two sets: the first calls things by names, and has a picture that is broken, the second by code points."""
    pictures = {
        "first": {"radio.png": png(disc(colour="red")), "stepladder.png": png(disc(colour="green"))},
        "second": {"1F4FB.png": png(disc(colour="blue")), "1F40C.png": b"no picture"},
    }
    sources = {}
    for name, members in pictures.items():
        folder = tmp_path / "sources" / "trees" / name / "share"
        folder.mkdir(parents=True)
        for member, data in members.items():
            (folder / member).write_bytes(data)
        sources[name] = Source(
            name=name,
            package=name,
            registry="npm",
            version="1",
            sha256="0" * 64,
            reader="folder",
            path="share",
            prefix="",
            licence="MIT" if name == "first" else "CC-BY-4.0",
            credit="",
            notes=(),
        )
    return SourceLibrary(sources, folder=tmp_path / "sources", fetch=False)


def test_every_set_gives_what_it_has(tmp_path: Path, library: SourceLibrary) -> None:
    assert prepare_named(tmp_path, RECIPE, library) == 3
    with (tmp_path / "named.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["source"], row["member"], row["licence"]) for row in rows] == [
        ("radio", "first", "radio.png", "MIT"),
        ("radio", "second", "1F4FB.png", "CC-BY-4.0"),
        ("step-ladder", "first", "stepladder.png", "MIT"),
    ]
    assert all(Image.open(tmp_path / row["path"]).mode == "RGBA" for row in rows)


def test_a_second_run_draws_nothing_and_removes_what_is_no_longer_named(
    tmp_path: Path, library: SourceLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_named(tmp_path, RECIPE, library)
    monkeypatch.setattr("sounddesk.training.preparation.named_pictures.cut_picture", None)
    fewer = NamedRecipe(sets=RECIPE.sets, things={"1f4fb": "radio"})
    assert prepare_named(tmp_path, fewer, library) == 2
    assert sorted(path.parent.name for path in (tmp_path / "named").rglob("*.png")) == ["radio", "radio"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"sets": {}}, "'sets' and 'things'"),
        ([], "'sets' and 'things'"),
        ({"sets": {"a": ["{name}"]}, "things": {"1": "radio", "2": "radio"}}, "radio twice"),
    ],
)
def test_a_wrong_list_names_what_is_wrong(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "named.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(RecipeError, match=message):
        load_named(tmp_path / "named.yaml")


def test_the_list_that_ships_shows_no_kind_of_the_starter() -> None:
    recipe = load_named(resource("recipes/starter/named_pictures.yaml"))
    sources = load_sources(resource("recipes/starter/sources.yaml"))
    kinds = load_kinds(resource("recipes/starter/kinds.yaml"))
    assert set(recipe.sets) <= set(sources)
    assert len(recipe.things) > 600
    used = {
        (reference.source, reference.member.lower())
        for kind in kinds
        for reference in (*kind.pictures, *kind.train_pictures)
    }
    clash = [
        (name, source)
        for name, source, members in recipe.members()
        if any((source, member.lower()) in used for member in members)
    ]
    assert clash == []
