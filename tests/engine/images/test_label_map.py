"""Label maps: an object for each id; mattes of every kind stay one object."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sounddesk.domain.selection import split_mask_reference
from sounddesk.engine.images.label_map import label_map_of
from sounddesk.engine.images.mask_file import SeveralMasksError
from sounddesk.engine.images.mask_file import load_coverage
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.images.mask_formats import read_masks

SIZE = (120, 80)


def ids(*values: int) -> np.ndarray:
    found = np.zeros((SIZE[1], SIZE[0]), np.int32)
    for place, value in enumerate(values):
        found[10:70, 5 + 20 * place : 20 + 20 * place] = value
    return found


def palette_picture(values: np.ndarray) -> Image.Image:
    picture = Image.fromarray(values.astype(np.uint8), "P")
    picture.putpalette(
        [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128, 128, 0, 128] + [0] * 744 + [224, 224, 192]
    )
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(Image.fromarray(ids(1, 2, 3).astype(np.uint8)), id="8 bits"),
        pytest.param(Image.fromarray(ids(1, 2, 3).astype(np.uint16)), id="16 bits"),
        pytest.param(Image.fromarray(np.dstack([ids(1, 2, 3).astype(np.uint8)] * 3)), id="grey in RGB"),
        pytest.param(palette_picture(ids(1, 2, 3)), id="palette"),
    ],
)
def test_each_id_is_an_object(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "ids.png")
    found = read_masks(tmp_path / "ids.png", image_size=SIZE)
    assert [each.name for each in found] == ["ids 1", "ids 2", "ids 3"]
    for each, value in zip(found, (1, 2, 3), strict=True):
        assert np.array_equal(each.mask, ids(1, 2, 3) == value)
    assert np.array_equal(load_mask(tmp_path / "ids.png", image_size=SIZE, part="2"), ids(1, 2, 3) == 2)
    for part in (None, "7", "dog"):
        with pytest.raises(SeveralMasksError, match=r"holds 3 objects \(1, 2, 3\).*choose one as FILE#1"):
            load_mask(tmp_path / "ids.png", image_size=SIZE, part=part)
    with pytest.raises(SeveralMasksError):
        load_coverage(tmp_path / "ids.png")


def test_large_ids_and_colours(tmp_path: Path) -> None:
    Image.fromarray(ids(26001, 26002, 24000).astype(np.uint16)).save(tmp_path / "instances.png")
    assert len(read_masks(tmp_path / "instances.png", image_size=SIZE)) == 3
    colours = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    colours[ids(1, 2) == 1], colours[ids(1, 2) == 2] = (220, 20, 60), (0, 0, 142)
    Image.fromarray(colours).save(tmp_path / "city.png")
    found = read_masks(tmp_path / "city.png", image_size=SIZE)
    assert [each.name for each in found] == ["city #00008e", "city #dc143c"]
    assert np.array_equal(load_mask(tmp_path / "city.png", image_size=SIZE, part="#DC143C"), ids(1, 2) == 1)


def test_mattes_of_three_objects_in_red_green_and_blue_keep_their_soft_edges_apart(tmp_path: Path) -> None:
    hard = np.stack([(ids(1, 2, 3) == value) * 255 for value in (1, 2, 3)], axis=2).astype(np.uint8)
    large = hard.repeat(4, axis=0).repeat(4, axis=1)
    Image.fromarray(cv2.GaussianBlur(large, (3, 3), 0.5)).save(tmp_path / "mattes.png")
    found = read_masks(tmp_path / "mattes.png", image_size=(480, 320))
    assert len(found) == 3
    assert [int(each.mask.sum()) for each in found] == pytest.approx([14_400] * 3, rel=0.02)


def test_what_is_to_be_ignored_is_counted(tmp_path: Path) -> None:
    Image.fromarray(ids(1, 2, 255).astype(np.uint8)).save(tmp_path / "ids.png")
    notes: list[str] = []
    assert [each.name for each in read_masks(tmp_path / "ids.png", image_size=SIZE, notes=notes)] == ["ids 1", "ids 2"]
    assert "255" in notes[0]


def soft(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values.astype(np.uint8), (0, 0), sigma)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(ids(255).astype(np.uint8), id="hard"),
        pytest.param(ids(1).astype(np.uint8), id="0 and 1"),
        pytest.param(ids(255, 255, 255).astype(np.uint8), id="three parts"),
        pytest.param(ids(128, 255).astype(np.uint8), id="half and whole"),
        pytest.param(soft(ids(255), 1.0), id="soft edge"),
        pytest.param(soft(ids(255, 255), 6.0), id="very soft"),
        pytest.param(soft(ids(255), 1.0).astype(np.uint16) * 257, id="soft in 16 bits"),
    ],
)
def test_a_matte_is_one_object(picture: np.ndarray) -> None:
    assert label_map_of(Image.fromarray(picture)) is None


def test_a_matte_as_jpeg_is_one_object(tmp_path: Path) -> None:
    Image.fromarray(ids(255, 255).astype(np.uint8)).save(tmp_path / "a.jpg", quality=60)
    assert len(read_masks(tmp_path / "a.jpg", image_size=SIZE)) == 1


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_unturned_picture_is_turned_with_it(tmp_path: Path, orientation: int) -> None:
    upright = ids(255, 255) > 0
    upright[:20] = False
    turn = {5: lambda a: a.T, 6: lambda a: np.rot90(a), 7: lambda a: a[::-1, ::-1].T, 8: lambda a: np.rot90(a, -1)}
    Image.fromarray(np.ascontiguousarray(turn[orientation](upright))).save(tmp_path / "a.png")
    notes: list[str] = []
    mask = load_mask(tmp_path / "a.png", image_size=SIZE, orientation=orientation, notes=notes)
    assert np.array_equal(mask, upright)
    assert "turned with it" in notes[0]


def test_where_both_could_be_meant_it_is_told(tmp_path: Path) -> None:
    Image.fromarray(np.eye(80) > 0).resize((80, 80)).save(tmp_path / "a.png")
    notes: list[str] = []
    load_mask(tmp_path / "a.png", image_size=(80, 80), orientation=6, notes=notes)
    assert "turned by its EXIF tag" in notes[0]
    notes.clear()
    load_mask(tmp_path / "a.png", image_size=(80, 80), orientation=1, notes=notes)
    assert notes == []


def test_soft_and_deep_masks_keep_their_shades(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0])
    for name, values in (("a.png", ramp.astype(np.uint16)), ("b.tif", (ramp / 257).astype(np.uint8))):
        Image.fromarray(values).save(tmp_path / name)
        assert np.abs(load_coverage(tmp_path / name) - ramp / 65535).max() < 0.005


def test_a_part_is_what_follows_the_first_name_of_a_file(tmp_path: Path) -> None:
    for name in ("ids.png", "take #2.png"):
        (tmp_path / name).write_bytes(b"x")
    split = {
        "ids.png": ("ids.png", None),
        "ids.png#3": ("ids.png", "3"),
        "ids.png##80ff00": ("ids.png", "#80ff00"),
        "take #2.png": ("take #2.png", None),
        "take #2.png#4": ("take #2.png", "4"),
        "gone.png#4": ("gone.png#4", None),
    }
    for reference, (file, part) in split.items():
        assert split_mask_reference(f"{tmp_path}/{reference}") == (tmp_path / file, part)
