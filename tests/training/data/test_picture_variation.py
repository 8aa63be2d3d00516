"""Other manners and other sides of a training picture."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.training.data.picture_variation import as_sign
from sounddesk.training.data.picture_variation import restyle
from sounddesk.training.data.picture_variation import warp


@pytest.mark.parametrize("seed", range(20))
def test_another_manner_keeps_the_shape_of_the_thing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cut_out = rng.integers(0, 256, (40, 60, 4), dtype=np.uint8)
    drawn = restyle(cut_out, rng)
    assert drawn.shape == cut_out.shape
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn[..., 3], cut_out[..., 3])
    assert not np.array_equal(drawn, cut_out)


def _red_beside_blue() -> np.ndarray:
    cut_out = np.zeros((100, 120, 4), np.uint8)
    cut_out[10:90, 10:60] = (210, 60, 50, 255)
    cut_out[10:90, 60:110] = (50, 60, 210, 255)
    return cut_out


def test_a_sign_has_strokes_on_a_filling() -> None:
    cut_out = _red_beside_blue()
    fillings = set()
    for seed in range(30):
        drawn = as_sign(cut_out, np.random.default_rng(seed)).astype(int)
        left, middle, right, outline = drawn[50, 35], drawn[50, 60], drawn[50, 85], drawn[50, 10]
        if not np.array_equal(left, right):
            fillings.add("flat colours")
            assert left[0] > left[2] + 60
            assert right[2] > right[0] + 60
            assert (outline < 70).all()
            assert np.array_equal(middle, outline)
        elif (left == 245).all():
            fillings.add("on white")
            assert (outline < 70).all()
            assert np.array_equal(middle, outline)
        else:
            fillings.add("on dark")
            assert (left < 70).all()
            assert (middle == 245).all()
            assert np.array_equal(outline, left)
    assert fillings == {"flat colours", "on white", "on dark"}


def test_flat_colours_keep_what_is_brighter_brighter() -> None:
    bright, dim = np.full((40, 40, 4), 254, np.uint8), np.full((40, 40, 4), 254, np.uint8)
    dim[..., :3] = 120
    for seed in range(60):
        over, under = (as_sign(picture, np.random.default_rng(seed))[20, 20] for picture in (bright, dim))
        assert (over >= under).all()


def test_a_picture_that_reaches_its_edge_has_an_outline_there() -> None:
    full = np.full((60, 60, 4), 255, np.uint8)
    drawn = [as_sign(full, np.random.default_rng(seed)).astype(int) for seed in range(20)]
    on_white = [sign for sign in drawn if (sign[30, 30] == 245).all()]
    assert on_white
    assert all((sign[edge] < 70).all() for sign in on_white for edge in ((0, 30), (59, 30), (30, 0), (30, 59)))


@pytest.mark.parametrize("seed", range(10))
def test_a_slanted_picture_is_tight_and_keeps_its_colours(seed: int) -> None:
    cut_out = np.zeros((50, 80, 4), np.uint8)
    cut_out[5:45, 8:70] = (200, 40, 10, 255)
    seen = warp(cut_out, np.random.default_rng(seed))
    assert seen.shape[:2] != cut_out.shape[:2]
    for edge in (seen[0], seen[-1], seen[:, 0], seen[:, -1]):
        assert (edge[:, 3] > 0).any()
    solid = seen[seen[..., 3] == 255]
    assert len(solid) > 500
    assert (solid[:, :3] == (200, 40, 10)).all()


def test_a_picture_of_nothing_stays_as_it_is() -> None:
    empty = np.zeros((9, 9, 4), np.uint8)
    assert warp(empty, np.random.default_rng(0)) is empty
