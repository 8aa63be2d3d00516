"""Other manners and other sides of a training picture."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.training.picture_variation import restyle
from sounddesk.training.picture_variation import warp


@pytest.mark.parametrize("seed", range(14))
def test_another_manner_keeps_the_shape_of_the_thing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cut_out = rng.integers(0, 256, (40, 60, 4), dtype=np.uint8)
    drawn = restyle(cut_out, rng)
    assert drawn.shape == cut_out.shape
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn[..., 3], cut_out[..., 3])
    assert not np.array_equal(drawn, cut_out)


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
