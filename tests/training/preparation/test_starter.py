from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import yaml
from PIL import Image

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.strict_yaml import dump_yaml
from sounddesk.training.preparation.starter import StarterError
from sounddesk.training.preparation.starter import prepare_starter
from sounddesk.training.preparation.starter_table import read_table
from tests.training.preparation.archives import cat
from tests.training.preparation.archives import disc
from tests.training.preparation.archives import furniture
from tests.training.preparation.archives import png
from tests.training.preparation.archives import tone
from tests.training.preparation.archives import wav

SOURCE = {"registry": "debian", "version": "1", "sha256": "0" * 64, "licence": "CC0-1.0", "credit": "Bo"}
SAID = {"group": "mammals", "repeat": "repeating", "alt_captions": ["x"]}
MEMBERS = {"recordings": {"animals": ["dog0.wav"]}, "pictures": {"models": ["saw/[01]"]}}
COLOURS = ("red", "green", "blue", "orange", "purple")


@pytest.fixture
def places(tmp_path):
    """Two tiny packages, unpacked, and a recipe over them."""
    animals = tmp_path / "sources" / "trees" / "animals" / "share"
    animals.mkdir(parents=True)
    for number, colour in enumerate(COLOURS):
        (animals / f"dog{number}.png").write_bytes(png(disc(colour=colour)))
        (animals / f"dog{number}.wav").write_bytes(wav(tone(hz=300.0 + 100 * number)))
    (animals / "cat.png").write_bytes(png(disc(colour="grey")))
    (animals / "meadow.png").write_bytes(png(Image.new("RGB", (300, 200), "green")))
    sounds = tmp_path / "sources" / "trees" / "sounds"
    sounds.mkdir()
    (sounds / "all.cat").write_bytes(cat([('"Cat". By Ann.', wav(tone(hz=900.0)))]))
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    write(
        recipe / "sources.yaml",
        {
            "animals": {**SOURCE, "package": "animals", "reader": "folder", "path": "share"},
            "sounds": {**SOURCE, "package": "sounds", "reader": "cat", "path": "all.cat", "licence": "CC-BY-3.0"},
        },
    )
    write(
        recipe / "kinds.yaml",
        {
            "dog": {
                **SAID,
                "caption": "a dog barking",
                "recordings": {"animals": ["dog?.wav"]},
                "pictures": {"animals": ["dog?.png"]},
                "test": ["animals:dog4.png"],
            },
            "house cat": {
                **SAID,
                "caption": "a cat meowing",
                "recordings": {"sounds": ["0"]},
                "pictures": {"animals": ["cat.png"]},
            },
        },
    )
    write(recipe / "backgrounds.yaml", {"pictures": {"animals": ["meadow.png", "meadow.png#0,0,0.5,1"]}})
    return tmp_path


def write(path, content):
    path.write_text(dump_yaml(content))


def prepare(places, **arguments):
    return prepare_starter(
        places / "out",
        sources_dir=places / "sources",
        recipe_dir=places / "recipe",
        fetch=False,
        **arguments,
    )


def test_the_set_is_built_with_its_table(places):
    summary = prepare(places)
    assert (summary.kinds, summary.recordings, summary.pictures, summary.backgrounds) == (2, 6, 6, 2)
    assert summary.audio_s == pytest.approx(6 * 0.5, abs=0.5)
    rows = read_table(places / "out" / "table.csv")
    assert {row.role for row in rows} == {"recording", "picture", "background"}
    assert sum(row.split == "test" for row in rows if row.role == "recording") == 1
    (test_picture,) = [row for row in rows if row.role == "picture" and row.split == "test"]
    assert test_picture.member == "dog4.png"
    assert sum(row.split == "test" for row in rows if row.role == "background") == 1
    (cat_row,) = [row for row in rows if row.kind == "house cat" and row.role == "recording"]
    assert (cat_row.licence, cat_row.credit, cat_row.source_rate_hz) == ("CC-BY-3.0", '"Cat". By Ann.', 22_050)
    samples, rate = soundfile.read(places / "out" / cat_row.path)
    assert (rate, samples.ndim) == (16_000, 1)
    assert len(samples) / rate == pytest.approx(cat_row.duration_s, abs=0.001)
    assert Image.open(places / "out" / test_picture.path).mode == "RGBA"
    kinds = json.loads((places / "out" / "kinds.json").read_text())
    assert [kind["kind"] for kind in kinds] == ["dog", "house cat"]
    assert kinds[0]["repeat"] == "repeating"


def test_a_second_run_builds_nothing_and_writes_the_same_table(places, monkeypatch):
    prepare(places)
    table = (places / "out" / "table.csv").read_bytes()
    monkeypatch.setattr("sounddesk.training.preparation.starter._build", None)
    prepare(places)
    assert (places / "out" / "table.csv").read_bytes() == table


def test_two_builds_are_equal(places):
    prepare(places)
    first = {path.name: path.read_bytes() for path in (places / "out").rglob("*.*")}
    (places / "out").rename(places / "before")
    prepare(places)
    assert {path.name: path.read_bytes() for path in (places / "out").rglob("*.*")} == first


def test_a_stopped_build_goes_on(places):
    token = CancelToken()

    def stop_after_three(report):
        if report.done == 3:
            token.cancel()

    with pytest.raises(Cancelled):
        prepare(places, progress=stop_after_three, cancel=token)
    assert not (places / "out" / "table.csv").exists()
    journal = (places / "out" / "journal.jsonl").read_text()
    assert journal.count("\n") == 4
    # A crash in the middle of a line costs that file only.
    (places / "out" / "journal.jsonl").write_text(journal[:-20])
    assert prepare(places).recordings == 6


def test_what_the_recipe_no_longer_names_goes(places):
    prepare(places)
    kinds = yaml.safe_load((places / "recipe" / "kinds.yaml").read_text())
    del kinds["house cat"]
    write(places / "recipe" / "kinds.yaml", kinds)
    assert prepare(places).kinds == 1
    assert not (places / "out" / "pictures" / "house cat").exists()


def test_a_lost_file_is_built_again(places):
    prepare(places)
    lost = next((places / "out" / "recordings" / "dog").glob("*.flac"))
    content = lost.read_bytes()
    lost.unlink()
    prepare(places)
    assert lost.read_bytes() == content


def test_unusable_members_are_listed_and_the_rest_is_finished(places):
    folder = places / "sources" / "trees" / "animals" / "share"
    (folder / "dog1.wav").write_bytes(wav(np.zeros(22_050, np.float32)))
    (folder / "cat.png").unlink()
    with pytest.raises(StarterError, match="2 members cannot be used") as caught:
        prepare(places)
    assert "dog: animals:dog1.wav holds no sound" in str(caught.value)
    assert "house cat: " in str(caught.value)
    assert len(read_table(places / "out" / "table.csv")) == 12


def test_a_model_s_maker_stays_its_credit_in_later_runs(places):
    library = places / "sources" / "trees" / "models"
    library.mkdir()
    furniture(library / "x.sh3f")
    for name, change in (
        ("sources", {"models": {**SOURCE, "package": "models", "reader": "furniture", "path": "x.sh3f"}}),
        ("kinds", {"saw": {**SAID, "caption": "a saw", **MEMBERS}}),
    ):
        file = places / "recipe" / f"{name}.yaml"
        write(file, {**yaml.safe_load(file.read_text()), **change})
    for _ in range(2):
        prepare(places)
        rows = [row for row in read_table(places / "out" / "table.csv") if row.kind == "saw" and row.role == "picture"]
        assert [row.credit for row in rows] == ["Ann", "Ann"]


def test_pictures_for_training_change_no_split(places):
    """Added among the pictures, some of them would be held out and the drawing would change."""
    folder = places / "sources" / "trees" / "animals" / "share"
    for number in range(20):
        (folder / f"puppy{number}.png").write_bytes(png(disc(colour=COLOURS[number % 5])))
    prepare(places)
    before = {row.path: row.split for row in read_table(places / "out" / "table.csv")}
    kinds = yaml.safe_load((places / "recipe" / "kinds.yaml").read_text())
    # The pattern also names pictures that are split already; they stay where they are.
    kinds["dog"]["train_pictures"] = {"animals": ["puppy*.png", "d*.png"]}
    kinds["dog"]["test"].append("animals:puppy*.png")
    write(places / "recipe" / "kinds.yaml", kinds)
    prepare(places)
    after = {row.path: row.split for row in read_table(places / "out" / "table.csv")}
    assert {path: after.pop(path) for path in before} == before
    assert list(after.values()) == ["train"] * 20
