from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sounddesk.engine.images.annotated_photographs import PhotographFolderError
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.resources_folder import resource

SQUARE = [[10, 5], [20, 5], [20, 15], [10, 15]]


def write_picture(path: Path, *, width: int = 40, height: int = 30) -> None:
    cv2.imwrite(str(path), np.full((height, width, 3), 90, dtype=np.uint8))


def shape(points: list[list[float]], **changes: Any) -> dict[str, Any]:
    return {"label": "dog", "points": points, "group_id": None, "shape_type": "polygon", "flags": {}, **changes}


def write_labelme(folder: Path, *shapes: dict[str, Any], name: str = "one", picture: bool = True) -> None:
    document = {"version": "5.5.0", "shapes": list(shapes), "imagePath": f"{name}.png", "imageData": None}
    (folder / f"{name}.json").write_text(json.dumps(document))
    if picture:
        write_picture(folder / f"{name}.png")


def masks(folder: Path) -> list[np.ndarray]:
    (photograph,) = read_annotated_photographs(folder)
    height, width = photograph.image().shape[:2]
    return [each.mask(height=height, width=width) for each in photograph.objects]


def test_a_polygon_of_labelme(tmp_path: Path) -> None:
    write_labelme(tmp_path, shape(SQUARE))
    (mask,) = masks(tmp_path)
    assert mask.sum() == 100
    assert mask[5:15, 10:20].all()


def test_shapes_of_one_group_are_one_object_and_others_each_their_own(tmp_path: Path) -> None:
    far = [[30, 20], [34, 20], [34, 25], [30, 25]]
    write_labelme(tmp_path, shape(SQUARE, group_id=1), shape(far, group_id=1), shape(SQUARE), shape(far))
    first, second, third = masks(tmp_path)
    assert (first.sum(), second.sum(), third.sum()) == (120, 100, 20)


def test_rectangles_circles_and_painted_masks_are_areas_and_points_are_none(tmp_path: Path) -> None:
    painted = np.zeros((4, 6), dtype=np.uint8)
    painted[1:3, 2:5] = 1
    encoded = base64.b64encode(cv2.imencode(".png", painted)[1].tobytes()).decode()
    write_labelme(
        tmp_path,
        shape([[20, 15], [10, 5]], shape_type="rectangle"),
        shape([[20, 15], [28, 15]], shape_type="circle"),
        shape([[30, 20], [35, 23]], shape_type="mask", mask=encoded),
        shape([[3, 3]], shape_type="point"),
    )
    rectangle, circle, mask = masks(tmp_path)
    assert rectangle.sum() == 100
    assert circle.sum() == pytest.approx(np.pi * 64, rel=0.05)
    assert mask[21:23, 32:35].all()
    assert mask.sum() == 6


def test_polygons_and_runs_of_coco_without_its_crowds(tmp_path: Path) -> None:
    write_picture(tmp_path / "two.png", width=4, height=3)
    document = {
        "images": [{"id": 7, "file_name": "two.png", "width": 4, "height": 3}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "segmentation": [[0, 0, 2, 0, 2, 3, 0, 3], [3, 0, 4, 0, 4, 1, 3, 1]]},
            {"image_id": 7, "category_id": 1, "segmentation": {"counts": [3, 3, 6], "size": [3, 4]}},
            {"image_id": 7, "category_id": 1, "iscrowd": 1, "segmentation": {"counts": [12], "size": [3, 4]}},
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(document))
    (photograph,) = read_annotated_photographs(tmp_path)
    assert [each.label for each in photograph.objects] == ["cat", "cat"]
    polygons, runs = (each.mask(height=3, width=4) for each in photograph.objects)
    np.testing.assert_array_equal(polygons, [[1, 1, 0, 1], [1, 1, 0, 0], [1, 1, 0, 0]])
    np.testing.assert_array_equal(runs, [[0, 1, 0, 0]] * 3)
    with pytest.raises(PhotographFolderError, match="is for a picture of 4x3, but it has 5x3"):
        photograph.objects[1].mask(height=3, width=5)


def test_a_split_is_what_the_table_says(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_labelme(tmp_path, shape(SQUARE), name=name)
    with pytest.raises(PhotographFolderError, match=r"photographs\.csv is missing: leave out --split"):
        read_annotated_photographs(tmp_path, split="tune")
    (tmp_path / "photographs.csv").write_text("file,split\none.png,tune\ntwo.png,test\n")
    assert [each.path.name for each in read_annotated_photographs(tmp_path, split="tune")] == ["one.png"]
    assert len(read_annotated_photographs(tmp_path)) == 2
    with pytest.raises(PhotographFolderError, match="knows no split 'validation': choose one of test, tune"):
        read_annotated_photographs(tmp_path, split="validation")


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhotographFolderError, match="nowhere is not a folder"):
        read_annotated_photographs(tmp_path / "nowhere")
    (tmp_path / "settings.json").write_text('{"theme": "dark"}')
    with pytest.raises(PhotographFolderError, match="holds no outlined photograph"):
        read_annotated_photographs(tmp_path)
    write_labelme(tmp_path, shape(SQUARE), picture=False)
    with pytest.raises(PhotographFolderError, match=r"one\.png is missing: put it beside its outlines"):
        read_annotated_photographs(tmp_path)
    write_labelme(tmp_path, {"label": "dog"})
    with pytest.raises(PhotographFolderError, match=r"one\.json is neither labelme's nor COCO's"):
        read_annotated_photographs(tmp_path)
    (tmp_path / "one.json").write_text("{")
    with pytest.raises(PhotographFolderError, match=r"one\.json cannot be read"):
        read_annotated_photographs(tmp_path)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The outlines that ship and their second pass, each beside empty files for the photographs."""
    folders = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for folder, origin in zip(folders, ("evaluation/photographs", "evaluation/photographs/second_pass"), strict=True):
        for path in resource(origin).glob("*.json"):
            (folder / path.name).write_bytes(path.read_bytes())
            (folder / json.loads(path.read_text())["imagePath"]).touch()
    (folders[0] / "photographs.csv").write_bytes(resource("evaluation/photographs/photographs.csv").read_bytes())
    return folders


def test_the_outlines_that_ship_are_whole(shipped: tuple[Path, Path]) -> None:
    photographs = read_annotated_photographs(shipped[0])
    assert len(photographs) == 92
    assert sum(len(each.objects) for each in photographs) == 218
    parts = [len(read_annotated_photographs(shipped[0], split=split)) for split in ("tune", "validation", "test")]
    assert parts == [33, 33, 26]


def test_no_photograph_of_the_yardstick_was_trained_on() -> None:
    with resource("starter/sources.csv").open(newline="") as file:
        trained = {(row["package"], row["member"].split("|")[0].split("#")[0]) for row in csv.DictReader(file)}
    with resource("evaluation/photographs/photographs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        mine = row["member"]
        assert not [name for package, name in trained if package == row["package"] and f"/{mine}".endswith(f"/{name}")]


def test_of_the_yardstick_only_the_tune_photographs_are_trained_on() -> None:
    with resource("starter/photographs.csv").open(newline="") as file:
        trained = {row["sha256"] for row in csv.DictReader(file)}
    with resource("evaluation/photographs/photographs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows if row["sha256"] in trained} == {"tune"}
    assert len(trained) == 94


@pytest.mark.slow
def test_the_second_pass_agrees_with_the_first(shipped: tuple[Path, Path]) -> None:
    overlaps = []
    first = {each.path.stem: each for each in read_annotated_photographs(shipped[0])}
    for second in read_annotated_photographs(shipped[1]):
        size = json.loads((shipped[0] / f"{second.path.stem}.json").read_text())
        drawn = [
            each.mask(height=size["imageHeight"], width=size["imageWidth"]) for each in first[second.path.stem].objects
        ]
        for one in second.objects:
            again = one.mask(height=size["imageHeight"], width=size["imageWidth"])
            overlaps.append(max((again & mask).sum() / (again | mask).sum() for mask in drawn))
    assert len(overlaps) == 47
    assert np.mean(overlaps) == pytest.approx(0.947, abs=0.003)
