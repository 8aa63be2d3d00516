"""Annotations of other programs: complete, or counted and named; areas as COCO's own code has them."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from sounddesk.engine.images.annotations import canvas
from sounddesk.engine.images.annotations.canvas import Canvas
from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.mask_file import SeveralMasksError
from sounddesk.engine.images.mask_formats import read_masks
from sounddesk.engine.images.mask_formats import read_one_mask

SIZE = (120, 80)


def square(x: float, y: float, side: float) -> list[list[float]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]


def flat(points: list[list[float]]) -> list[float]:
    return [value for point in points for value in point]


def areas(path: Path, **options: Any) -> tuple[list[tuple[str, int]], list[str]]:
    notes: list[str] = []
    masks = read_masks(path, notes=notes, **{"image_size": SIZE, "image_name": "scene.png", **options})
    return [(each.name, int(each.mask.sum())) for each in masks], notes


def write(path: Path, data: Any) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def labelme(*shapes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"shapes": list(shapes), "imageWidth": SIZE[0], "imageHeight": SIZE[1], "imageData": None, **more}


def coco(annotations: list[dict[str, Any]], *, names: tuple[str, ...] = ("scene.png",)) -> dict[str, Any]:
    images = [{"id": i, "file_name": n, "width": SIZE[0], "height": SIZE[1]} for i, n in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cow"}]}


# ---------------------------------------------------------------------- labelme


def test_every_closed_shape_of_labelme_is_read_and_the_others_are_counted(tmp_path: Path) -> None:
    shapes = [
        {"label": "cow", "points": square(10, 10, 20), "shape_type": "polygon"},
        {"label": "dog", "points": square(40, 10, 30), "shape_type": "rotation", "direction": 0.1},
        {"label": "sheep", "points": square(80, 10, 25), "shape_type": "oriented_rectangle"},
        {"label": "fence", "points": [[0, 0], [9, 9]], "shape_type": "line"},
        {"label": "path", "points": [[0, 0], [9, 9]], "shape_type": "linestrip"},
        {"label": "path", "points": [[0, 0], [9, 9]], "shape_type": "linestrip"},
        {"label": "gone", "points": square(500, 500, 9), "shape_type": "polygon"},
        {"label": "cube", "points": square(1, 1, 9), "shape_type": "cuboid"},
    ]
    found, notes = areas(write(tmp_path / "a.json", labelme(*shapes)))
    assert found == [("cow", 400), ("dog", 900), ("sheep", 625)]
    (note,) = notes
    for counted in (
        "1 line",
        "'fence'",
        "2 linestrip",
        "'path'",
        "1 cuboid",
        "1 shape(s) that cover no pixel",
        "'gone'",
    ):
        assert counted in note


def test_a_missing_size_comes_from_the_picture_inside_or_is_assumed(tmp_path: Path) -> None:
    cow = {"label": "cow", "points": square(10, 10, 20)}
    picture = io.BytesIO()
    Image.new("RGB", (240, 160)).save(picture, format="JPEG")
    inside = {**labelme(cow), "imageData": base64.b64encode(picture.getvalue()).decode()}
    bare = labelme(cow)
    for data in (inside, bare):
        del data["imageWidth"], data["imageHeight"]
    assert areas(write(tmp_path / "inside.json", inside)) == ([("cow", 100)], [])
    found, notes = areas(write(tmp_path / "bare.json", bare))
    assert found == [("cow", 400)]
    assert "taken to be this one" in notes[0]


def test_a_mask_inside_labelme_is_no_larger_than_its_picture(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("1", (6000, 5000)).save(picture, format="PNG")
    text = base64.b64encode(picture.getvalue()).decode()
    shape = {"label": "x", "shape_type": "mask", "mask": text, "points": [[0, 0], [5, 5]]}
    with pytest.raises(MaskFormatError, match="6000 x 5000"):
        areas(write(tmp_path / "a.json", labelme(shape)))


# ------------------------------------------------------------------------- COCO


def test_the_image_is_picked_by_its_name_first(tmp_path: Path) -> None:
    names = ("shot/shot.1001.png", "shot.1002.png", "SCENE.png")
    annotations = [
        {"image_id": i, "category_id": 1, "segmentation": [flat(square(5, 5, 10 * (i + 1)))]} for i in range(3)
    ]
    path = write(tmp_path / "a.json", coco(annotations, names=names))
    assert areas(path)[0] == [("cow", 900)]
    assert "2 annotation(s) of other images" in areas(path)[1][0]
    assert areas(path, image_name="shot.1001.png")[0] == [("cow", 100)]
    with pytest.raises(MaskFormatError, match="several images, and 3 of them"):
        areas(path, image_name="other.png")


def test_boxes_flat_outlines_and_nothing_at_all(tmp_path: Path) -> None:
    common = {"image_id": 0, "category_id": 1}
    annotations = [
        {**common, "segmentation": flat(square(5, 5, 10))},
        {**common, "segmentation": [], "bbox": [20, 20, 30, 10]},
        {**common, "segmentation": []},
        {**common, "keypoints": [1, 2, 3]},
    ]
    found, notes = areas(write(tmp_path / "a.json", coco(annotations)))
    assert found == [("cow", 100), ("cow", 300)]
    assert "became boxes" in notes[0]
    assert "2 annotation(s) without outline and box ('cow')" in notes[1]


def test_sa_1b_and_sam_s_own_dumps_are_read(tmp_path: Path) -> None:
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[10:40, 20:60] = 1
    packed = coco_mask.encode(np.asfortranarray(mask))
    runs = {"size": packed["size"], "counts": packed["counts"].decode()}
    image = {"file_name": "sa_1.jpg", "width": SIZE[0], "height": SIZE[1], "image_id": 1}
    for data in ({"image": image, "annotations": [{"segmentation": runs}] * 2}, [{"segmentation": runs}] * 2):
        assert areas(write(tmp_path / "a.json", data))[0] == [("object 1", 1200), ("object 2", 1200)]
        (first, _) = read_masks(tmp_path / "a.json", image_size=(240, 160))
        assert np.array_equal(first.mask, np.kron(mask, np.ones((2, 2))).astype(bool))


@pytest.mark.parametrize(
    "runs",
    [
        {"size": [60_000, 60_000], "counts": [0, 3_600_000_000]},
        {"size": [40_000, 60_000], "counts": [0, 2_400_000_000]},
        {"size": [80, 120], "counts": "o" * 3_000_000 + "0"},
        {"size": [80, 120], "counts": [0, 1 << 60, -(1 << 60)]},
        {"size": [-80, -120], "counts": [9600]},
        {"size": [80, 120], "counts": {"a": 1}},
        {"size": [80], "counts": [9600]},
        {"size": [80, 120], "counts": [True] * 9600},
    ],
)
def test_run_lengths_are_bounded_before_anything_is_made(tmp_path: Path, runs: dict[str, Any]) -> None:
    annotation = {"image_id": 0, "category_id": 1, "segmentation": runs}
    with pytest.raises(MaskFormatError, match="damaged"):
        areas(write(tmp_path / "a.json", coco([annotation])))


def test_more_outlines_than_can_be_drawn_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "MAX_DRAWN_PIXELS", 6_000_000)
    outline = flat(square(0, 0, 80))
    path = write(tmp_path / "a.json", coco([{"image_id": 0, "category_id": 1, "segmentation": [outline] * 20}]))
    assert areas(path)[0] == [("cow", 6400)]
    # However small each of them is.
    for many in ([outline] * 40, [flat(square(0, 0, 1))] * 40):
        write(path, coco([{"image_id": 0, "category_id": 1, "segmentation": many}]))
        with pytest.raises(MaskFormatError, match="more outlines than can be drawn"):
            areas(path)


@settings(max_examples=60, deadline=None)
@given(
    corners=st.lists(st.tuples(st.integers(0, 240), st.integers(0, 160)), min_size=3, max_size=12, unique=True),
)
def test_areas_are_those_of_coco_s_own_code(corners: list[tuple[int, int]]) -> None:
    points = np.array(corners, dtype=np.float64) / 2
    ours = Canvas(MaskRequest(file_name="a", image_size=SIZE), own_size=SIZE).polygons([points])
    theirs = coco_mask.decode(coco_mask.frPyObjects([points.reshape(-1).tolist()], SIZE[1], SIZE[0]))[..., 0]
    assert ours is not None
    lengths = np.hypot(*(points - np.roll(points, 1, axis=0)).T).sum()
    # Both decide on pixels that an edge passes through, at most two for each pixel of its length.
    assert int((ours != theirs.astype(bool)).sum()) <= 2 * lengths + 4


# ------------------------------------------------------------------ VIA and CVAT


def via_region(name: str, label: Any, **shape: Any) -> dict[str, Any]:
    return {"shape_attributes": {"name": name, **shape}, "region_attributes": {"name": label}}


def test_via_2_projects_and_exports_and_via_1(tmp_path: Path) -> None:
    regions: list[dict[str, Any]] = [
        via_region("polygon", "cow", all_points_x=[10, 30, 30, 10], all_points_y=[10, 10, 30, 30]),
        via_region("rect", {"dog": True, "cat": False}, x=40, y=10, width=30, height=20),
        via_region("circle", "sun", cx=90, cy=40, r=10),
        via_region("ellipse", "pond", cx=60, cy=60, rx=20, ry=8, theta=0.0),
        via_region("polyline", "path", all_points_x=[1, 2], all_points_y=[1, 2]),
        via_region("point", "bird", cx=3, cy=3),
    ]
    other = {"filename": "other.png", "size": 1, "regions": regions[:1]}
    images = {"scene.png12": {"filename": "scene.png", "size": 12, "regions": regions}, "other.png1": other}
    numbered = {"scene.png12": {"filename": "scene.png", "regions": {str(i): each for i, each in enumerate(regions)}}}
    for data in (images, {"_via_settings": {}, "_via_img_metadata": images}, numbered):
        found, notes = areas(write(tmp_path / "a.json", data))
        assert [name for name, _ in found] == ["cow", "dog", "sun", "pond"]
        assert [area for _, area in found][:2] == [400, 600]
        assert found[2][1] == pytest.approx(np.pi * 100, rel=0.02)
        assert found[3][1] == pytest.approx(np.pi * 160, rel=0.02)
        assert "1 polyline region(s) without an area ('path')" in notes[1]
        assert "1 point" in notes[1]
    with pytest.raises(MaskFormatError, match="2 images, and none of them"):
        areas(write(tmp_path / "a.json", images), image_name="third.png")


def test_via_3_projects(tmp_path: Path) -> None:
    data = {
        "project": {"pname": "x"},
        "attribute": {"1": {"aname": "name", "options": {"0": "cow"}}},
        "file": {"1": {"fid": "1", "fname": "scene.png"}},
        "view": {"1": {"fid_list": ["1"]}},
        "metadata": {
            "1_a": {"vid": "1", "z": [], "xy": [7, 10, 10, 30, 10, 30, 30, 10, 30], "av": {"1": "0"}},
            "1_b": {"vid": "1", "z": [], "xy": [2, 40, 10, 30, 20], "av": {}},
            "1_c": {"vid": "1", "z": [], "xy": [1, 4, 4], "av": {}},
        },
    }
    found, notes = areas(write(tmp_path / "a.json", data))
    assert found == [("cow", 400), ("object", 600)]
    assert "1 point" in notes[1]


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<image id="0" name="other.png" width="120" height="80"><box label="x" xtl="0" ytl="0" xbr="9" ybr="9"/></image>
<image id="1" name="shot/scene.png" width="120" height="80">
<polygon label="cow" points="10.0,10.0;30.0,10.0;30.0,30.0;10.0,30.0"/>
<box label="dog" xtl="40" ytl="10" xbr="70" ybr="30"/>
<box label="turned" xtl="40" ytl="40" xbr="60" ybr="50" rotation="90"/>
<ellipse label="sun" cx="90" cy="40" rx="10" ry="10"/>
<mask label="cat" rle="1, 2, 1, 2" left="5" top="6" width="3" height="2"/>
<polyline label="path" points="1,1;2,2"/><points label="bird" points="3,3"/>
<polygon label="herd" group_id="4" points="80,60;90,60;90,70;80,70"/>
<polygon label="herd" group_id="4" points="95,60;105,60;105,70;95,70"/>
</image></annotations>"""


CVAT_START = '<annotations><image width="120" height="80">'


def test_cvat_for_images(tmp_path: Path) -> None:
    found, notes = areas(write(tmp_path / "a.xml", CVAT))
    named = dict(found)
    assert [name for name, _ in found] == ["cow", "dog", "turned", "sun", "cat", "herd"]
    assert (named["cow"], named["dog"], named["turned"], named["cat"], named["herd"]) == (400, 600, 200, 4, 200)
    assert named["sun"] == pytest.approx(np.pi * 100, rel=0.02)
    assert "1 polyline" in notes[0]
    assert "1 points" in notes[0]
    cat = next(each.mask for each in read_masks(tmp_path / "a.xml", image_size=SIZE, image_name="scene.png")[4:5])
    assert cat[6:8, 5:8].astype(int).tolist() == [[0, 1, 1], [0, 1, 1]]
    turned = read_masks(tmp_path / "a.xml", image_size=SIZE, image_name="scene.png")[2].mask
    assert (turned.any(axis=0).sum(), turned.any(axis=1).sum()) == (10, 20)


def test_tracks_over_a_video_are_named(tmp_path: Path) -> None:
    track = (
        '<annotations><track id="0" label="dog"><box frame="0" xtl="0" ytl="0" xbr="9" ybr="9"/></track></annotations>'
    )
    with pytest.raises(MaskFormatError, match=r"1 track\(s\) over a video: export as 'CVAT for images'"):
        areas(write(tmp_path / "a.xml", track))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><annotations>&c;</annotations>',
        "<annotations>" + "<image>" * 5000,
        "<other/>",
        "<annotations",
        "",
        CVAT_START + '<mask label="x" rle="-1,99" left="0" top="0" width="9" height="9"/></image></annotations>',
        CVAT_START + '<mask label="x" rle="1" left="0" top="0" width="99999" height="99999"/></image></annotations>',
        CVAT_START + '<box label="x" xtl="nan" ytl="0" xbr="9" ybr="9"/></image></annotations>',
    ],
)
def test_hostile_xml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MaskFormatError):
        areas(write(tmp_path / "a.xml", text))


# ---------------------------------------------------------------- one of several


def test_one_mask_is_chosen_by_the_object_s_name_by_part_or_refused(tmp_path: Path) -> None:
    shapes = [{"label": name, "points": square(10 * i, 10, 5 + i)} for i, name in enumerate(("cow", "dog", "Dog"))]
    path = write(tmp_path / "a.json", labelme(*shapes))

    def area(part: str | None, wanted: str) -> int:
        return int(read_one_mask(path, part=part, wanted_name=wanted, image_size=SIZE).sum())

    assert area(None, "Cow") == 25
    assert area("cow", "beast") == 25
    assert area("3", "x") == 49
    with pytest.raises(SeveralMasksError, match=r"2 objects named 'dog'.*FILE#2 \(2 dog, 3 Dog\)"):
        area(None, "dog")
    with pytest.raises(SeveralMasksError, match=r"3 objects \(cow, dog, Dog\), none of them 'sheep'"):
        area(None, "sheep")
    alone = write(tmp_path / "b.json", labelme(shapes[0]))
    assert int(read_one_mask(alone, part=None, wanted_name="beast", image_size=SIZE).sum()) == 25


def test_annotations_of_the_unturned_picture_are_turned_with_it(tmp_path: Path) -> None:
    # Stored 80 x 120, shown 120 x 80 after a quarter turn clockwise (6).
    data = labelme({"label": "cow", "points": square(0, 0, 10)}, imageWidth=80, imageHeight=120)
    notes: list[str] = []
    (found,) = read_masks(write(tmp_path / "a.json", data), image_size=SIZE, orientation=6, notes=notes)
    assert found.mask[:10, 110:].all()
    assert found.mask.sum() == 100
    assert "turned with it" in notes[0]
    with pytest.raises(MaskFormatError, match="sides are swapped"):
        read_masks(tmp_path / "a.json", image_size=SIZE)
