"""Section by section what bad input gets: a message with value and remedy, exit code 2, nothing left behind."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sounddesk.cli import take_generation
from tests.cli.conftest import HEIGHT
from tests.cli.conftest import WIDTH
from tests.cli.conftest import Ending
from tests.cli.conftest import Run
from tests.cli.conftest import draw_scene
from tests.cli.conftest import files_in
from tests.cli.conftest import mask
from tests.cli.conftest import noise

DOG = ("--mask", "dog@red.png")


@pytest.fixture
def refused(render: Run, place: Path) -> Callable[..., Ending]:
    """Render what must be refused: its code, the values named, nothing new on the disk."""

    def run_refused(*arguments: str, names: tuple[str, ...] = (), code: int = 2) -> Ending:
        before = files_in(place)
        ended = render("--out", "out", *arguments)
        assert ended.code == code, ended.err
        for name in names:
            assert name in ended.err
        assert ended.out == ""
        assert files_in(place) == before
        assert not (place / "out").exists()
        return ended

    return run_refused


# ---------------------------------------------------------------- what can be read is converted and works


def save_sixteen_bit(path: Path) -> None:
    grey = np.asarray(draw_scene().convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(path)


def save_rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    draw_scene().rotate(90, expand=True).save(path, exif=exif)


def save_animation(path: Path) -> None:
    frames = [draw_scene(), Image.fromarray(noise(0))]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def save_alpha(path: Path) -> None:
    image = draw_scene().convert("RGBA")
    image.putalpha(mask(10, 10, 150, 110))
    image.save(path)


CONVERTED: dict[str, Callable[[Path], None]] = {
    "sixteen.png": save_sixteen_bit,
    "cmyk.jpg": lambda path: draw_scene().convert("CMYK").save(path),
    "palette.png": lambda path: draw_scene().convert("P").save(path),
    "grey.png": lambda path: draw_scene().convert("L").save(path),
    "alpha.png": save_alpha,
    "rotated.jpg": save_rotated,
    "animation.gif": save_animation,
    "bits.png": lambda path: draw_scene().convert("1").save(path),
}


@pytest.mark.parametrize("name", CONVERTED)
@pytest.mark.slow
def test_what_can_be_read_works(name: str, render: Run, place: Path) -> None:
    CONVERTED[name](place / name)
    ended = render(name, *DOG, "--out", "out")
    assert ended.code == 0, ended.err
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    assert (recipe["image"]["width"], recipe["image"]["height"]) == (WIDTH, HEIGHT)


def test_a_mask_of_another_size_works(render: Run, place: Path) -> None:
    mask(40, 60, 121, 181, size=(2 * WIDTH, 2 * HEIGHT)).save("large.png")
    assert render("scene.png", "--mask", "dog@large.png", "--out", "out").code == 0
    kept = np.asarray(Image.open(place / "out" / "masks" / "dog.png")) >= 128
    assert np.array_equal(kept, np.asarray(Image.open("red.png")) >= 128)


def test_a_full_mask_works(render: Run, place: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT), 255).save("full.png")
    assert render("scene.png", "--mask", "room@full.png", "--out", "out").code == 0


# ---------------------------------------------------------------- images


def save_truncated(path: Path) -> None:
    draw_scene().save(path)
    path.write_bytes(path.read_bytes()[:-200])


def save_over_large(path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))))


BAD_IMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.png": (lambda path: None, "does not exist"),
    "truncated.png": (save_truncated, "truncated"),
    "zero.png": (lambda path: path.write_bytes(b""), "zero bytes"),
    "text.png": (lambda path: path.write_text("not an image"), "PNG"),
    "tiny.png": (lambda path: Image.new("RGB", (1, 1)).save(path), "1 x 1"),
    "huge.png": (save_over_large, "200 megapixels"),
    "folder.png": (lambda path: path.mkdir(), "folder"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_an_image_that_cannot_be_used(name: str, refused: Callable[..., Ending], place: Path) -> None:
    make, message = BAD_IMAGES[name]
    make(place / name)
    refused(name, *DOG, names=(name, message))


# ---------------------------------------------------------------- selections


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--object", f"dog@{WIDTH},60"], ("'dog'", f"{WIDTH}", f"x from 0 to {WIDTH - 1}")),
        (["--object", f"dog@40,60;-40,{HEIGHT}"], ("'dog'", f"y from 0 to {HEIGHT - 1}")),
        (["--box", f"dog@10,10,{WIDTH + 1},50"], ("'dog'", "outside")),
        (["--box", "dog@50,10,10,50"], ("'dog'", "no area")),
        (["--object", "dog"], ("'dog'", "dog@420,310")),
        (["--mask", "dog@empty.png"], ("empty.png", "empty", "paint")),
        (["--mask", "dog@wide.png"], ("wide.png", "aspect ratio")),
        (["--mask", "dog@none.png"], ("none.png", "does not exist")),
        (["--mask", "dog@scene.txt"], ("scene.txt",)),
        (["--mask", "dog@red.png", "--box", "dog@10,10,50,50"], ("'dog'", "twice")),
        (["--mask", "dog@red.png", "--mask", " dog @blue.png"], ("dog", "twice")),
        (["--mask", "blend@red.png", "--blend"], ("blend", "twice")),
        ([], ("no object", "--auto")),
        (["--auto", "--mask", "dog@red.png"], ("--auto", "'dog'")),
        (["--mask", "dog@red.png", "--hint", "cat=purr"], ("cat=purr", "'dog'")),
        (["--object", "dog@1,1;2,2", "--candidate", "part"], ("--candidate part", "single click")),
        (["--mask", "dog@red.png", "--hint", "dog=a", "--hint", "dog=b"], ("'dog'", "two hints")),
    ],
)
def test_a_selection_that_cannot_be_used(
    arguments: list[str], names: tuple[str, ...], refused: Callable[..., Ending], place: Path
) -> None:
    Image.new("L", (WIDTH, HEIGHT), 0).save("empty.png")
    mask(0, 0, 20, 20, size=(WIDTH, HEIGHT // 2)).save("wide.png")
    (place / "scene.txt").write_text("no mask")
    refused("scene.png", *arguments, names=names)


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--seconds", "-1"], ("-1 s", "1 s to 60 s")),
        (["--seconds", "0"], ("0 s", "1 s to 60 s")),
        (["--seconds", "nan"], ("nan", "1 s to 60 s")),
        (["--seconds", "61"], ("61 s",)),
        (["--seconds", "ten"], ("'ten'", "number")),
        (["--takes", "0"], ("takes is 0", "1 to 100")),
        (["--takes", "101"], ("takes is 101",)),
        (["--seed", "-1"], ("seed is -1",)),
        (["--seed", str(2**63)], (str(2**63),)),
        (["--steps", "0"], ("steps is 0", "1 to 1000")),
        (["--guidance", "0.5"], ("guidance is 0.5", "1 to 20")),
        (["--preset", "slow"], ("slow", "fast")),
        (["--bundle", "nowhere"], ("'nowhere'", "folder")),
        (["--device", "abacus"], ("'abacus'", "cpu")),
        (["--sam", "none.pth", "--object", "cat@40,60"], ("none.pth",)),
        (["--out", ""], ("path is empty",)),
    ],
)
def test_a_value_out_of_range(arguments: list[str], names: tuple[str, ...], refused: Callable[..., Ending]) -> None:
    refused("scene.png", *DOG, *arguments, names=names)


# ---------------------------------------------------------------- output folders


def test_an_output_that_is_a_file(render: Run, place: Path) -> None:
    (place / "out").write_text("mine")
    ended = render("scene.png", *DOG, "--out", "out")
    assert ended.code == 2
    assert "out" in ended.err
    assert (place / "out").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder that nobody can write, not even root")
def test_an_unwritable_output_folder(render: Run, place: Path) -> None:
    before = files_in(place)
    ended = render("scene.png", *DOG, "--out", "/proc/sounddesk/out")
    assert ended.code == 2
    assert "/proc/sounddesk" in ended.err
    assert files_in(place) == before


def test_a_full_disk_is_known_before_the_work(refused: Callable[..., Ending], monkeypatch: pytest.MonkeyPatch) -> None:
    from sounddesk.storage import output_folder

    def nearly_full(path: Path) -> object:
        return shutil._ntuple_diskusage(10**9, 10**9, 1_000)

    def must_not_start(*_arguments: object, **_named: object) -> None:
        raise AssertionError("the engine was started")

    monkeypatch.setattr(output_folder.shutil, "disk_usage", nearly_full)
    monkeypatch.setattr(take_generation, "generate_all", must_not_start)
    refused("scene.png", *DOG, names=("free", "choose another folder"), code=3)


def test_an_output_folder_that_vanishes(render: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate_all = take_generation.generate_all
    (place / "disk").mkdir()

    def vanish(*arguments: object, **named: object) -> object:
        takes = generate_all(*arguments, **named)  # type: ignore[arg-type]
        shutil.rmtree(place / "disk")
        return takes

    monkeypatch.setattr(take_generation, "generate_all", vanish)
    ended = render("scene.png", *DOG, "--out", "disk/out")
    assert ended.code == 2
    assert "vanished" in ended.err
    assert not (place / "disk").exists()


def test_two_renders_into_one_folder_at_once(render: Run, place: Path) -> None:
    from sounddesk.storage.output_folder import OutputFolder

    with OutputFolder(place / "out"):
        ended = render("scene.png", *DOG, "--out", "out")
        assert ended.code == 2
        assert "another render" in ended.err
        assert not (place / "out").exists()
    assert render("scene.png", *DOG, "--out", "out").code == 0


# ---------------------------------------------------------------- recipes


@pytest.fixture
def rendered(render: Run, place: Path) -> Path:
    assert render("scene.png", *DOG, "--out", "made").code == 0
    return place / "made" / "recipe.json"


def rewrite(recipe: Path, **changes: object) -> None:
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | changes))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda recipe: recipe.unlink(), "cannot be read"),
        (lambda recipe: recipe.write_text("{"), "not JSON"),
        (lambda recipe: recipe.write_bytes(b"\xff\xfe\x00"), "not text"),
        (lambda recipe: rewrite(recipe, seconds=-1), "seconds"),
        (lambda recipe: rewrite(recipe, version="9.0"), "9.0"),
        (lambda recipe: rewrite(recipe, bundle={"name": "nowhere", "sha256": None}), "nowhere"),
        (lambda recipe: (recipe.parent / "masks" / "dog.png").unlink(), "dog.png"),
        (lambda recipe: mask(0, 0, 9, 9).save(recipe.parent / "masks" / "dog.png"), "was changed"),
        (lambda recipe: Image.fromarray(noise(1)).save(recipe.parent.parent / "scene.png"), "not the one"),
    ],
)
@pytest.mark.slow
def test_a_recipe_that_cannot_be_used(
    spoil: Callable[[Path], object], message: str, run: Run, rendered: Path, place: Path
) -> None:
    spoil(rendered)
    before = files_in(place)
    ended = run("render", "--recipe", str(rendered), "--out", "again")
    assert ended.code == 2
    assert message in ended.err
    assert files_in(place) == before


def test_another_bundle_than_the_recipes_is_refused(run: Run, rendered: Path, bundle_folder: Path, place: Path) -> None:
    rewrite(rendered, bundle={"name": str(bundle_folder), "sha256": "0" * 64})
    ended = run("render", "--recipe", str(rendered), "--out", "again")
    assert ended.code == 2
    assert "not the one of the recipe" in ended.err


def test_options_that_the_recipe_settles_are_refused(run: Run, rendered: Path) -> None:
    ended = run("render", "--recipe", str(rendered), "--seed", "3")
    assert ended.code == 2
    assert "--seed" in ended.err


# ---------------------------------------------------------------- the engine


def test_a_damaged_bundle_is_the_engines_failure(render: Run, bundle_folder: Path, place: Path) -> None:
    copy = place / "bundle"
    shutil.copytree(bundle_folder, copy)
    weights = next(copy.glob("unet/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0\0")
    ended = render("scene.png", *DOG, "--bundle", str(copy), "--out", "out")
    assert ended.code == 3
    assert weights.name in ended.err
    assert not (place / "out").exists()
