"""Masks to and from labelme and COCO: pixel for pixel, read by COCO's own reader, and damaged in every way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.annotations.canvas import NamedMask
from sounddesk.engine.images.annotations.coco import coco_json
from sounddesk.engine.images.annotations.labelme import labelme_json
from sounddesk.engine.images.mask_formats import AnnotationFormat
from sounddesk.engine.images.mask_formats import _masks_of
from sounddesk.engine.images.mask_formats import read_masks
from sounddesk.engine.images.outlines import decode_run_lengths
from sounddesk.engine.images.picture_decoding import ImageFileError

masks = arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24))).filter(np.any)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def blob(height: int = 40, width: int = 60) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (25, 18), (14, 9), 20, 0, 360, 1, -1)
    return mask.astype(bool)


def write(path: Path, data: Any) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


@given(mask=masks)
@quick
def test_both_formats_come_back_pixel_for_pixel(mask: np.ndarray, tmp_path: Path) -> None:
    size = (mask.shape[1], mask.shape[0])
    for made in (labelme_json, coco_json):
        file = write(tmp_path / "m.json", made([NamedMask(name="dog", mask=mask)], image_name="a.png", image_size=size))
        (found,) = read_masks(file, image_size=size)
        assert found.name == "dog"
        assert np.array_equal(found.mask, mask)


@given(mask=masks)
@quick
def test_coco_s_own_code_reads_what_is_written_and_we_read_its(mask: np.ndarray, tmp_path: Path) -> None:
    size = (mask.shape[1], mask.shape[0])
    data = json.loads(coco_json([NamedMask(name="dog", mask=mask)], image_name="a.png", image_size=size))
    (annotation,) = data["annotations"]
    height, width = annotation["segmentation"]["size"]
    theirs = coco_mask.decode(coco_mask.frPyObjects(annotation["segmentation"], height, width))
    assert np.array_equal(theirs.astype(bool), mask)
    packed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = packed["counts"].decode()
    assert sum(decode_run_lengths(counts)) == mask.size
    annotation["segmentation"]["counts"] = counts
    (found,) = read_masks(write(tmp_path / "m.json", data), image_size=size)
    assert np.array_equal(found.mask, mask)


def test_polygons_fill_as_coco_fills_them(tmp_path: Path) -> None:
    polygon = [10.0, 5.0, 50.0, 8.0, 44.0, 33.0, 14.0, 30.0]
    data = {
        "images": [{"id": 7, "width": 60, "height": 40}],
        "categories": [{"id": 3, "name": "sail"}],
        "annotations": [{"image_id": 7, "category_id": 3, "segmentation": [polygon]}],
    }
    (found,) = read_masks(write(tmp_path / "m.json", data), image_size=(60, 40))
    theirs = coco_mask.decode(coco_mask.frPyObjects([polygon], 40, 60))[..., 0].astype(bool)
    assert found.name == "sail"
    overlap = (found.mask & theirs).sum() / (found.mask | theirs).sum()
    assert overlap > 0.92


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ({"shape_type": "polygon", "points": [[10, 10], [30, 10], [30, 20], [10, 20]]}, 200),
        ({"shape_type": "rectangle", "points": [[30, 20], [10, 10]]}, 200),
        ({"shape_type": "circle", "points": [[30, 20], [30, 28]]}, 201),
    ],
)
def test_labelme_s_shapes_have_their_areas(tmp_path: Path, shape: dict[str, Any], area: int) -> None:
    data = {"shapes": [{"label": "thing", **shape}], "imageWidth": 60, "imageHeight": 40}
    (found,) = read_masks(write(tmp_path / "m.json", data), image_size=(60, 40))
    assert found.mask.sum() == pytest.approx(area, rel=0.16)
    (larger,) = read_masks(tmp_path / "m.json", image_size=(120, 80))
    assert larger.mask.sum() == pytest.approx(4 * area, rel=0.1)


def test_shapes_of_one_group_are_one_mask_and_others_are_not(tmp_path: Path) -> None:
    square = [[0, 0], [4, 0], [4, 4], [0, 4]]
    shapes = [
        {"label": "dog", "group_id": 1, "points": square},
        {"label": "dog", "group_id": 1, "points": [[x + 20, y] for x, y in square]},
        {"label": "dog", "group_id": None, "points": [[x + 40, y] for x, y in square]},
        {"label": "line", "shape_type": "line", "points": square[:2]},
    ]
    data = {"shapes": shapes, "imageWidth": 60, "imageHeight": 40}
    found = read_masks(write(tmp_path / "m.json", data), image_size=(60, 40))
    assert [each.name for each in found] == ["dog", "dog"]
    assert found[0].mask.sum() == pytest.approx(2 * found[1].mask.sum())


def test_a_mask_image_is_named_after_its_file(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "church bell.png"), blob().astype(np.uint8) * 255)
    (found,) = read_masks(tmp_path / "church bell.png", image_size=(60, 40))
    assert (found.name, int(found.mask.sum())) == ("church bell", int(blob().sum()))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "damaged or no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
        ([1], "of no program that is known here"),
        ({"a": 1}, "of no program that is known here"),
        ({"shapes": [], "imageWidth": 60, "imageHeight": 40}, "holds no mask"),
        ({"shapes": [], "imageWidth": 60, "imageHeight": 60}, "60 x 60"),
        ({"shapes": []}, "holds no mask"),
        ({"shapes": [], "imageWidth": "wide", "imageHeight": 40}, "how large"),
        ({"shapes": [3], "imageWidth": 60, "imageHeight": 40}, "shape 0"),
        ({"shapes": [{"label": "x", "points": "y"}], "imageWidth": 60, "imageHeight": 40}, "damaged"),
        ({"shapes": [{"label": "x", "points": [[1e400, 0]]}], "imageWidth": 60, "imageHeight": 40}, "damaged"),
        (
            {
                "shapes": [{"label": "x", "shape_type": "mask", "mask": "!", "points": [[0, 0], [1, 1]]}],
                "imageWidth": 60,
                "imageHeight": 40,
            },
            "damaged",
        ),
        ({"images": [], "annotations": []}, "none"),
        ({"images": [{"id": 1, "width": 60, "height": 40}] * 2, "annotations": []}, "several images"),
        (
            {
                "images": [{"id": 1, "width": 60, "height": 40}],
                "annotations": [{"image_id": 1, "segmentation": {"size": [40, 60], "counts": [5]}}],
            },
            "do not fill",
        ),
        (
            {
                "images": [{"id": 1, "width": 60, "height": 40}],
                "annotations": [{"image_id": 1, "segmentation": {"size": [40, 60], "counts": "~~"}}],
            },
            "damaged",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, data: Any, says: str) -> None:
    with pytest.raises(MaskFormatError, match=says):
        read_masks(write(tmp_path / "m.json", data), image_size=(60, 40))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises((MaskFormatError, ImageFileError), match="gone"):
        read_masks(tmp_path / "gone.json", image_size=(60, 40))


@given(text=st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=30))
def test_any_text_for_counts_is_decoded_or_refused(text: str) -> None:
    try:
        runs = decode_run_lengths(text)
    except ValueError:
        return
    assert len(runs) <= len(text)


@pytest.mark.parametrize(
    "error", [TypeError("not iterable"), KeyError("x"), AttributeError("no"), OverflowError("inf")]
)
def test_what_a_reader_did_not_expect_is_damage_of_the_file(error: Exception, tmp_path: Path) -> None:
    def read(_data: Any, _request: MaskRequest) -> Iterator[NamedMask]:
        raise error
        yield

    kind = AnnotationFormat(name="VIA", recognises=lambda _: True, read=read)
    request = MaskRequest(file_name="a.json", image_size=(64, 48), image_name="", orientation=1, notes=[])
    with pytest.raises(MaskFormatError, match=rf"a\.json is damaged \({type(error).__name__}: .*from VIA again"):
        list(_masks_of(kind, None, request))
