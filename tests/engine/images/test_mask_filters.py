"""Growing and shrinking: discs for small radii, distances for large ones, and both agree."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sounddesk.engine.images import mask_filters
from sounddesk.engine.images.mask_filters import feather
from sounddesk.engine.images.mask_filters import grow
from sounddesk.engine.images.mask_filters import select_by_colour


def square(size: int = 120, low: int = 40, high: int = 80) -> np.ndarray:
    coverage = np.zeros((size, size), np.uint8)
    coverage[low:high, low:high] = 255
    return coverage


@pytest.mark.parametrize("pixels", [-15, -4, -1, 1, 4, 20])
def test_edges_move_by_the_pixels_asked_for(pixels: int) -> None:
    grown = grow(square(), pixels=pixels) >= 128
    columns = np.flatnonzero(grown[60])
    assert (columns[0], columns[-1]) == (40 - pixels, 79 + pixels)


@pytest.mark.parametrize("pixels", [-10, 10])
def test_discs_and_distances_agree(pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    by_disc = grow(square(), pixels=pixels) >= 128
    monkeypatch.setattr(mask_filters, "_LARGEST_DISC_PX", 0)
    by_distance = grow(square(), pixels=pixels) >= 128
    # The disc of a morphology is a polygon of whole pixels.
    assert (by_disc ^ by_distance).sum() < 0.02 * by_disc.sum()


def test_nothing_stays_nothing_and_everything_everything() -> None:
    for pixels in (-50, -3, 3, 50):
        assert not grow(np.zeros((40, 60), np.uint8), pixels=pixels).any()
        assert (grow(np.full((40, 60), 255, np.uint8), pixels=pixels) == 255).all()


@pytest.mark.parametrize("pixels", [-500, 500])
def test_a_large_radius_costs_no_more_than_a_small_one(pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a disc grows with its area, so a large radius draws none."""
    coverage = np.zeros((1000, 1000), np.uint8)
    coverage[100:900, 100:900] = 255
    discs: list[object] = []
    monkeypatch.setattr(cv2, "getStructuringElement", lambda *arguments: discs.append(arguments))
    assert (grow(coverage, pixels=pixels) > 0).all() == (pixels > 0)
    assert grow(coverage, pixels=pixels).any() == (pixels > 0)
    assert discs == []


def test_feathering_keeps_the_middle_of_the_edge() -> None:
    soft = feather(square(), pixels=6)
    assert soft[60, 60] == 255
    assert 100 < soft[60, 40] < 160
    assert soft[60, 30] < 20


def test_like_colours_together_or_anywhere() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:10, 2:8] = image[5:10, 20:26] = (200, 100, 50)
    near = select_by_colour(image, x=3, y=6, tolerance=5)
    everywhere = select_by_colour(image, x=3, y=6, tolerance=5, contiguous=False)
    assert (near.sum(), everywhere.sum()) == (30, 60)
