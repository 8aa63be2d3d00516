from __future__ import annotations

import itertools

import numpy as np
import pytest

from sounddesk.engine.images.masks_picture import draw_masks
from sounddesk.engine.images.masks_picture import object_colour


def scene(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 200, dtype=np.uint8)


def test_objects_are_tinted_outlined_and_the_rest_dimmed() -> None:
    mask = np.zeros((200, 300), dtype=np.bool_)
    mask[50:150, 100:280] = True
    drawn = np.asarray(draw_masks(scene(200, 300), [("dog", mask)])).astype(int)
    assert drawn.shape == (200, 300, 3)
    assert (drawn[10, 10] == 120).all()
    assert tuple(drawn[50, 101]) == object_colour(0)
    inside = drawn[60, 110]
    assert np.abs(inside - (0.55 * 200 + 0.45 * np.array(object_colour(0)))).max() <= 1


def test_a_large_image_becomes_1600_px_long_and_masks_stay_in_place() -> None:
    mask = np.zeros((1600, 3200), dtype=np.bool_)
    mask[:, 1600:] = True
    drawn = np.asarray(draw_masks(scene(1600, 3200), [("right", mask)])).astype(int)
    assert drawn.shape == (800, 1600, 3)
    assert (drawn[100, 790] == 120).all()
    assert not (drawn[100, 810] == 120).all()


def test_an_empty_name_leaves_the_object_to_see() -> None:
    mask = np.zeros((200, 300), dtype=np.bool_)
    mask[50:150, 100:200] = True
    unnamed, named = (np.asarray(draw_masks(scene(200, 300), [(name, mask)])) for name in ("", "dog"))
    assert len(np.unique(unnamed[60:140, 110:190].reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(named[60:140, 110:190].reshape(-1, 3), axis=0)) > 2


@pytest.mark.parametrize("name", ["", "\x00\n", "🐶" * 300, "\ud800", "x" * 5000, "שלום"])
def test_any_name_can_be_drawn(name: str) -> None:
    mask = np.ones((40, 60), dtype=np.bool_)
    assert draw_masks(scene(40, 60), [(name, mask)]).size == (60, 40)


def test_an_empty_mask_and_no_mask_are_no_fault() -> None:
    assert draw_masks(scene(20, 30), []).size == (30, 20)
    assert draw_masks(scene(20, 30), [("none", np.zeros((20, 30), dtype=np.bool_))]).size == (30, 20)


def test_neighbouring_colours_differ() -> None:
    colours = np.array([object_colour(number) for number in range(12)])
    for first, second in itertools.pairwise(colours):
        assert np.abs(first - second).sum() > 100
    assert len({tuple(colour) for colour in colours}) == 12
