"""What `sounddesk render` writes, and that a recipe makes it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import HEIGHT
from tests.cli.conftest import WIDTH
from tests.cli.conftest import Run
from tests.cli.conftest import files_in
from tests.wav_reader import read_pcm


def test_stems_mix_pictures_and_recipe(render: Run, place: Path) -> None:
    ended = render("scene.png", "--mask", "dog@red.png", "--mask", "car@blue.png", "--takes", "2", "--out", "out")
    assert ended.code == 0, ended.err
    assert ended.out == ""
    assert files_in(place / "out") == {
        "dog.wav",
        "dog.take2.wav",
        "car.wav",
        "car.take2.wav",
        "mix.wav",
        "masks.png",
        "masks/dog.png",
        "masks/car.png",
        "spectrograms.png",
        "recipe.json",
    }
    sounds = {path.stem: read_pcm(path) for path in (place / "out").glob("*.wav")}
    for sound in sounds.values():
        assert (sound.rate_hz, sound.bits, sound.channels) == (48_000, 24, 1)
        assert len(sound.steps) == 48_000
        assert np.abs(sound.steps).max() > 0
    assert np.array_equal(sounds["dog"].steps + sounds["car"].steps, sounds["mix"].steps)
    assert not np.array_equal(sounds["dog"].steps, sounds["dog.take2"].steps)
    assert not np.array_equal(sounds["dog"].steps, sounds["car"].steps)


def test_pictures_show_the_scene(render: Run, place: Path) -> None:
    assert render("scene.png", "--mask", "dog@red.png", "--out", "out").code == 0
    overlay = Image.open(place / "out" / "masks.png")
    assert overlay.size == (WIDTH, HEIGHT)
    scene = np.asarray(Image.open("scene.png").convert("RGB")).astype(int)
    change = np.abs(np.asarray(overlay.convert("RGB")).astype(int) - scene).sum(axis=2)
    assert (change[30:91, 20:61] > 0).mean() > 0.9
    assert Image.open(place / "out" / "spectrograms.png").width >= 400
    kept = np.asarray(Image.open(place / "out" / "masks" / "dog.png"))
    assert np.array_equal(kept, np.asarray(Image.open("red.png")))


def test_the_recipe_makes_identical_samples(render: Run, run: Run, place: Path, bundle_folder: Path) -> None:
    first = render(
        *("scene.png", "--mask", "dog@red.png", "--mask", "car@blue.png", "--hint", "car=siren", "--takes", "2"),
        *("--seed", "7", "--blend", "--ambience", "--balance", "--guidance", "3", "--out", "out"),
    )
    assert first.code == 0, first.err
    again = run("render", "--recipe", "out/recipe.json", "--out", "again", "--quiet")
    assert again.code == 0, again.err
    wavs = {name for name in files_in(place / "out") if name.endswith(".wav")}
    assert {"blend.wav", "ambience.wav", "ambience.take2.wav", "mix.wav"} < wavs
    for name in wavs:
        assert (place / "out" / name).read_bytes() == (place / "again" / name).read_bytes(), name
    assert files_in(place / "out") == files_in(place / "again")
    first_recipe, second_recipe = (json.loads((place / name / "recipe.json").read_text()) for name in ("out", "again"))
    assert first_recipe == second_recipe
    # The balance decides: with all gains at 0 dB equal samples would say nothing of them.
    assert any(entry["gain_db"] != 0 for entry in first_recipe["objects"])
    assert first_recipe["bundle"]["name"] == bundle_folder.name


@pytest.mark.slow
def test_a_seed_and_a_hint_change_the_sound(render: Run, place: Path) -> None:
    for out, more in {"a": [], "b": ["--seed", "1"], "c": ["--hint", "dog=siren"], "d": []}.items():
        assert render("scene.png", "--mask", "dog@red.png", "--out", out, *more).code == 0
    a, b, c, d = ((place / out / "dog.wav").read_bytes() for out in "abcd")
    assert a == d
    assert len({a, b, c}) == 3


def test_blend_is_no_part_of_the_mix_and_ambience_is(render: Run, place: Path) -> None:
    ended = render(
        *("scene.png", "--mask", "dog@red.png", "--mask", "car@blue.png", "--blend", "--ambience", "--out", "out")
    )
    assert ended.code == 0, ended.err
    steps = {path.stem: read_pcm(path).steps for path in (place / "out").glob("*.wav")}
    assert np.array_equal(steps["dog"] + steps["car"] + steps["ambience"], steps["mix"])
    rest = np.asarray(Image.open(place / "out" / "masks" / "ambience.png"))
    both = np.asarray(Image.open(place / "out" / "masks" / "blend.png"))
    assert np.array_equal(rest, 255 - both)


@pytest.mark.slow
def test_the_balance_is_suggested_and_applied_only_when_asked_for(render: Run, place: Path) -> None:
    two = ("scene.png", "--mask", "dog@red.png", "--mask", "car@blue.png")
    assert render(*two, "--blend", "--out", "suggested").code == 0
    assert render(*two, "--balance", "--out", "applied").code == 0
    assert render(*two, "--blend", "--no-balance", "--out", "refused").code == 0

    def gains(out: str) -> list[tuple[float, float | None]]:
        recipe = json.loads((place / out / "recipe.json").read_text())
        return [(entry["gain_db"], entry["suggested_gain_db"]) for entry in recipe["objects"]][:2]

    suggestion = [suggested for _, suggested in gains("suggested")]
    assert None not in suggestion
    assert gains("suggested") == [(0.0, suggested) for suggested in suggestion]
    assert gains("applied") == [(suggested, suggested) for suggested in suggestion]
    assert gains("refused") == [(0.0, None), (0.0, None)]
    assert (place / "suggested" / "dog.wav").read_bytes() == (place / "refused" / "dog.wav").read_bytes()
    assert (place / "suggested" / "dog.wav").read_bytes() != (place / "applied" / "dog.wav").read_bytes()


def test_ambience_of_a_full_mask_is_the_whole_image(render: Run, place: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT), 255).save("full.png")
    assert render("scene.png", "--mask", "room@full.png", "--ambience", "--out", "out").code == 0
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    assert recipe["objects"][1]["selection"] == {"how": "whole"}
    assert np.asarray(Image.open(place / "out" / "masks" / "ambience.png")).min() == 255


def test_ambience_alone_is_the_whole_image_as_one_sound(render: Run, place: Path) -> None:
    assert render("scene.png", "--ambience", "--out", "out").code == 0
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    assert [(each["name"], each["kind"], each["selection"]) for each in recipe["objects"]] == [
        ("ambience", "ambience", {"how": "whole"})
    ]
    assert np.asarray(Image.open(place / "out" / "masks" / "ambience.png")).min() == 255
    assert sorted(each.name for each in (place / "out").glob("*.wav")) == ["ambience.wav", "mix.wav"]
    assert render("scene.png", "--ambience", "--blend", "--out", "blended").code == 2


def test_masks_of_annotations_and_label_maps_are_read_as_in_the_window(render: Run, place: Path) -> None:
    box = {"label": "box", "points": [[20, 30], [60, 30], [60, 90], [20, 90]], "shape_type": "rotation"}
    line = {"label": "rope", "points": [[0, 0], [9, 9]], "shape_type": "line"}
    labelme = {"shapes": [box, line], "imageWidth": WIDTH, "imageHeight": HEIGHT}
    Path("all.json").write_text(json.dumps(labelme))
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[30:90, 20:60], ids[35:85, 95:145] = 1, 2
    Image.fromarray(ids).save("ids.png")
    ended = render("scene.png", "--mask", "box@all.json", "--mask", "disc@ids.png#2", "--json", "--out", "out")
    assert ended.code == 0
    assert "left out: 1 line" in " ".join(ended.document["notes"])
    assert np.array_equal(np.asarray(Image.open(place / "out" / "masks" / "box.png")) > 0, ids == 1)
    assert np.array_equal(np.asarray(Image.open(place / "out" / "masks" / "disc.png")) > 0, ids == 2)
    refused = render("scene.png", "--mask", "disc@ids.png", "--out", "again")
    assert refused.code == 2
    assert "holds 2 objects (1, 2): choose one as FILE#1" in refused.err


@pytest.mark.slow
def test_names_are_kept_in_the_recipe_and_made_safe_as_files(render: Run, place: Path) -> None:
    names = ["../up/and\\away", "🐶", "x" * 300, "mix", "DOG", "dog", "CON", "-rf"]
    masks = [f"--mask={name}@red.png" for name in names]
    ended = render("scene.png", *masks, "--json", "--out", "out")
    assert ended.code == 0, ended.err
    objects = ended.document["objects"]
    assert [entry["name"] for entry in objects] == names
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    assert [entry["name"] for entry in recipe["objects"]] == names
    files = [entry["files"][0] for entry in objects]
    assert len({name.casefold() for name in [*files, "mix.wav"]}) == len(names) + 1
    assert all((place / "out" / name).is_file() for name in files)
    assert files_in(place) == {"scene.png", "red.png", "blue.png"} | {f"out/{n}" for n in files_in(place / "out")}


def test_json_is_one_document_on_stdout(render: Run, place: Path) -> None:
    ended = render("scene.png", "--mask", "dog@red.png", "--json", "--out", "out")
    document = ended.document
    assert document["ok"] is True
    assert document["folder"] == "out"
    assert document["objects"][0]["files"] == ["dog.wav"]
    assert (place / "out" / document["mix"]).is_file()


def test_text_says_where_everything_is(run: Run, place: Path, bundle_folder: Path) -> None:
    ended = run(
        *("render", "scene.png", "--mask", "dog@red.png", "--bundle", str(bundle_folder)),
        *("--seconds", "1", "--steps", "2"),
    )
    assert ended.code == 0
    assert "scene-sounds" in ended.out
    assert "dog.wav" in ended.out
    assert "denoise" in ended.err
    assert (place / "scene-sounds" / "mix.wav").is_file()


def test_a_second_render_overwrites_nothing(render: Run, place: Path) -> None:
    assert render("scene.png", "--mask", "dog@red.png", "--out", "out").code == 0
    before = (place / "out" / "dog.wav").read_bytes()
    ended = render("scene.png", "--mask", "dog@red.png", "--seed", "1", "--json", "--out", "out")
    assert ended.code == 0
    assert ended.document["folder"] == "out-2"
    assert (place / "out" / "dog.wav").read_bytes() == before
    assert (place / "out-2" / "dog.wav").read_bytes() != before


@pytest.mark.slow
def test_a_moved_recipe_finds_an_image_that_moved_with_it(render: Run, run: Run, place: Path) -> None:
    assert render("scene.png", "--mask", "dog@red.png", "--out", "out").code == 0
    (place / "elsewhere").mkdir()
    (place / "out").rename(place / "elsewhere" / "out")
    ended = run("render", "--recipe", "elsewhere/out/recipe.json", "--out", "again", "--quiet")
    assert ended.code == 2
    assert "scene.png" in ended.err
    (place / "scene.png").rename(place / "elsewhere" / "scene.png")
    assert run("render", "--recipe", "elsewhere/out/recipe.json", "--out", "again", "--quiet").code == 0
    (place / "elsewhere" / "scene.png").rename(place / "renamed.png")
    ended = run("render", "renamed.png", "--recipe", "elsewhere/out/recipe.json", "--out", "third", "--quiet")
    assert ended.code == 0
    assert (place / "third" / "dog.wav").read_bytes() == (place / "again" / "dog.wav").read_bytes()


@pytest.mark.parametrize(
    "selection",
    [["--object", "dog@40,60"], ["--box", "dog@15,25,66,96"], ["--object", "dog@40,60;45,70;-120,60"]],
)
@pytest.mark.slow
def test_clicks_and_boxes_find_the_object(render: Run, place: Path, selection: list[str]) -> None:
    assert render("scene.png", *selection, "--out", "out").code == 0
    found = np.asarray(Image.open(place / "out" / "masks" / "dog.png")) >= 128
    wanted = np.asarray(Image.open("red.png")) >= 128
    assert (found & wanted).sum() / (found | wanted).sum() > 0.8


@pytest.mark.slow
def test_auto_proposes_objects(render: Run, place: Path) -> None:
    ended = render("scene.png", "--auto", "--json", "--out", "out")
    assert ended.code == 0, ended.err
    assert ended.document["objects"]
    assert all(entry["files"] for entry in ended.document["objects"])


@pytest.mark.slow
def test_the_active_segmenter_is_named(run: Run, place: Path, bundle_folder: Path) -> None:
    ended = run(
        *("render", "scene.png", "--object", "dog@40,60", "--bundle", str(bundle_folder)),
        *("--seconds", "1", "--steps", "1", "--out", "out"),
    )
    assert "segmenter: starter segmenter" in ended.err
    assert "starter segmenter" in json.loads((place / "out" / "recipe.json").read_text())["segmenter"]["name"]
