from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.domain.mask_edits import polygon
from sounddesk.domain.mask_edits import stroke
from sounddesk.domain.tiled_mask import TiledMask


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 600),
    height=st.integers(1, 300),
    left=st.floats(0, 1),
    top=st.floats(0, 1),
    value=st.integers(0, 255),
)
def test_a_region_is_what_numpy_would_assign(width: int, height: int, left: float, top: float, value: int) -> None:
    array = np.random.default_rng(width * height).integers(0, 2, (height, width), dtype=np.uint8) * 255
    mask = TiledMask.from_array(array)
    assert np.array_equal(mask.to_array(), array)
    x, y = int(left * (width - 1)), int(top * (height - 1))
    changed = mask.with_region(left=x, top=y, pixels=np.full((height - y, width - x), value, np.uint8))
    array[y:, x:] = value
    assert np.array_equal(changed.to_array(), array)
    assert changed == TiledMask.from_array(array)
    box = changed.bounding_box
    rows, columns = np.nonzero(array >= 128)
    if box is None:
        assert not rows.size
    else:
        assert (box.left, box.top, box.right, box.bottom) == (
            columns.min(), rows.min(), columns.max() + 1, rows.max() + 1,
        )  # fmt: skip


def test_untouched_tiles_are_shared() -> None:
    mask = TiledMask.from_array(np.eye(1000, dtype=bool))
    changed = mask.with_region(left=0, top=0, pixels=np.ones((10, 10), bool))
    assert sum(a is not b for a, b in zip(mask.tiles, changed.tiles, strict=True)) == 1
    box = mask.changed_box(changed)
    assert box is not None
    assert (box.right, box.bottom) == (256, 256)


def test_a_stroke_is_round_and_erasing_takes_it_back() -> None:
    empty = TiledMask.empty(width=200, height=100)
    painted = stroke(empty, [(50.0, 50.0), (100.0, 50.0)], diameter=20)
    inside = painted.to_bool()
    assert inside[50, 45] and inside[50, 105] and inside[59, 70]
    assert not inside[62, 70] and not inside[50, 115]
    assert stroke(painted, [(50.0, 50.0), (100.0, 50.0)], diameter=30, erase=True).is_empty


def test_a_polygon_holds_the_pixel_centres_inside() -> None:
    found = polygon([(2, 2), (8, 2), (8, 6), (2, 6)], width=20, height=10)
    assert found is not None
    box, inside = found
    assert (box.left, box.top, inside.sum()) == (2, 2, 24)
    assert polygon([(30, 30), (40, 30), (40, 40)], width=20, height=10) is None


@pytest.mark.parametrize(("value", "empty"), [(0, True), (127, True), (128, False), (255, False)])
def test_a_mask_is_empty_where_no_pixel_is_covered_by_half(value: int, empty: bool) -> None:
    pixels = np.zeros((300, 300), np.uint8)
    pixels[299, 299] = value
    mask = TiledMask.from_array(pixels)
    assert mask.is_empty is empty
    assert (mask.bounding_box is None) is empty
