"""`--grounding caption` and `caption-mix`: sounds of words, a recipe that keeps them, and what does not go together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.conftest import files_in
from tests.engine.captioners import captioner_parts
from tests.tiny_bundle import build_tiny_bundle


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a bundle whose conditions are texts, as the starter's are."""
    return str(build_tiny_bundle(tmp_path_factory.mktemp("bundle"), out_width=32))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with a tiny CLIP, which names things at random, but always the same."""
    folder = tmp_path / "models"
    captioner_parts.install_clip(folder)
    monkeypatch.setenv("SOUNDDESK_MODELS", str(folder))
    return folder


def test_each_object_is_made_from_its_words_and_the_recipe_keeps_them(
    render: Run, run: Run, place: Path, models: Path, hearing: str
) -> None:
    made = render(
        *("scene.png", "--mask", "dog@red.png", "--mask", "car@blue.png", "--hint", "car=siren", "--blend"),
        *("--bundle", hearing, "--grounding", "caption-mix", "--out", "out", "--json"),
    )
    assert made.code == 0, made.err
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    words = {entry["name"]: entry["words"] for entry in recipe["objects"]}
    assert recipe["grounding"] == "caption-mix"
    assert words["car"] == "siren"
    assert words["dog"] not in ("dog", "")
    assert words["blend"] == f"{words['dog']} and siren"
    notes = " ".join(made.document["notes"])
    assert f"dog: made from the words {words['dog']!r} (words for what is selected, by clip-vit-b-32)" in notes
    # Another captioner, or none, does not change what was made.
    shutil.rmtree(models)
    again = run("render", "--recipe", "out/recipe.json", "--out", "again", "--quiet")
    assert again.code == 0, again.err
    for name in files_in(place / "out"):
        if name.endswith(".wav"):
            assert (place / "out" / name).read_bytes() == (place / "again" / name).read_bytes(), name


def test_a_caption_of_the_image_is_the_same_for_all_its_objects(
    render: Run, place: Path, models: Path, hearing: str
) -> None:
    made = render(
        *("scene.png", "--mask", "dog@red.png", "--mask", "car@blue.png", "--bundle", hearing),
        *("--grounding", "caption", "--out", "out"),
    )
    assert made.code == 0, made.err
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    words = {entry["words"] for entry in recipe["objects"]}
    assert len(words) == 1


def test_a_bundle_that_hears_no_words_says_so(render: Run, place: Path, models: Path) -> None:
    refused = render("scene.png", "--mask", "dog@red.png", "--grounding", "caption", "--out", "out")
    assert refused.code == 3
    assert "cannot make sound from texts" in refused.err
    assert not (place / "out").exists()


def test_a_render_that_follows_objects_says_nothing_of_words(render: Run, place: Path) -> None:
    assert render("scene.png", "--mask", "dog@red.png", "--out", "out").code == 0
    text = (place / "out" / "recipe.json").read_text()
    assert "grounding" not in text
    assert '"words"' not in text


def test_frames_of_a_batch_are_made_from_words_too_and_beds_are_not(
    run: Run, place: Path, models: Path, hearing: str
) -> None:
    (place / "shot").mkdir()
    shutil.copy(place / "scene.png", place / "shot" / "f.1.png")
    batch = ("batch", "shot", "--mask", "dog@red.png", "--bundle", hearing, "--steps", "2", "--workers", "1")
    refused = run(*batch, "--bed", "--fps", "1", "--grounding", "caption", "--out", "beds", "--quiet")
    assert (refused.code, "leave out --grounding" in refused.err) == (2, True)
    made = run(*batch, "--seconds", "1", "--grounding", "caption-mix", "--out", "out", "--quiet")
    assert made.code == 0, made.err
    recipe = json.loads(next((place / "out").glob("*/recipe.json")).read_text())
    assert recipe["grounding"] == "caption-mix"
    assert recipe["objects"][0]["words"] not in ("dog", "")
