from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.images.crowded_scenes import compose_crowded_scene
from sounddesk.engine.images.crowded_scenes import in_one_piece


def disc(colour: tuple[int, int, int], *, side: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side] - side / 2 + 0.5
    alpha = np.where(rows**2 + columns**2 < (side / 2) ** 2, 255, 0)
    return np.dstack([np.full((side, side, 3), colour), alpha]).astype(np.uint8)


def scene(seed: int, *, count: int = 4, height: int = 120, width: int = 160):
    rng = np.random.default_rng(seed)
    photographs = [rng.integers(0, 60, (80, 90, 3), dtype=np.uint8)]
    return compose_crowded_scene(
        [disc((250, 10, 10))] * count,
        background=photographs[0],
        photographs=photographs,
        height=height,
        width=width,
        rng=rng,
    )


def test_masks_are_the_visible_pixels_of_each_object() -> None:
    sizes = []
    for seed in range(30):
        made = scene(seed)
        assert made.image.shape == (120, 160, 3)
        assert made.image.dtype == np.uint8
        total = np.zeros((120, 160), dtype=int)
        for mask in made.masks:
            assert mask.shape == (120, 160)
            assert mask.sum() >= 0.0012 * 120 * 160
            total += mask
            sizes.append(mask.mean())
            # Softened edges, light and noise aside, what is under a mask is the red of the discs.
            red = made.image[mask].astype(int).mean(axis=0)
            assert red[0] > 100
            assert red[0] > 2 * max(red[1], red[2]) - 40
        assert total.max() <= 1, "a pixel shows one object only"
    assert len(sizes) > 60
    assert min(sizes) < 0.01
    assert max(sizes) > 0.15


def test_objects_hide_each_other_and_what_is_hidden_is_left_out() -> None:
    counts = [len(scene(seed, count=7).masks) for seed in range(20)]
    assert min(counts) < 7
    whole = np.pi / 4
    fills = []
    for seed in range(20):
        for mask in scene(seed, count=7).masks:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            fills.append(mask.sum() / len(rows) / len(columns))
    assert min(fills) < whole - 0.1, "some discs are bitten into"


def test_same_seed_same_scene() -> None:
    assert np.array_equal(scene(3).image, scene(3).image)
    assert not np.array_equal(scene(3).image, scene(4).image)


@pytest.mark.parametrize(("gap", "expected"), [(0, True), (4, False)])
def test_a_click_can_mean_what_hangs_together(gap: int, expected: bool) -> None:
    cut_out = np.full((20, 40, 4), 255, np.uint8)
    cut_out[:, 20 : 20 + gap, 3] = 0
    assert in_one_piece(cut_out) is expected


def test_nothing_opaque_is_no_piece() -> None:
    assert not in_one_piece(np.zeros((9, 9, 4), np.uint8))
