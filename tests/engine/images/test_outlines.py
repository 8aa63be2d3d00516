from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.engine.images.outlines import polygon_mask
from sounddesk.engine.images.outlines import run_length_mask


def test_a_rectangle_fills_the_pixels_whose_centres_it_holds() -> None:
    expected = np.zeros((8, 10), dtype=np.bool_)
    expected[2:5, 3:7] = True
    for left, right in ((3.0, 7.0), (2.6, 6.6), (3.4, 7.4)):
        mask = polygon_mask([(left, 2), (right, 2), (right, 5), (left, 5)], height=8, width=10)
        np.testing.assert_array_equal(mask, expected)


def test_a_triangle_has_half_the_area_of_its_square() -> None:
    mask = polygon_mask([(0, 0), (100, 0), (0, 100)], height=100, width=100)
    assert mask.sum() == pytest.approx(5000, abs=50)
    assert mask[10, 80]
    assert not mask[80, 30]


def test_a_slanted_edge_is_exact_to_the_pixel() -> None:
    # Centres inside: column + 0.5 + row + 0.5 < 9.9.
    rows, columns = np.mgrid[:10, :10]
    mask = polygon_mask([(0, 0), (9.9, 0), (0, 9.9)], height=10, width=10)
    np.testing.assert_array_equal(mask, rows + columns + 1 < 9.9)


def test_an_opening_that_is_cut_into_the_outline_stays_open() -> None:
    # A square of 10 with a hole of 4, joined by a cut of no width.
    outline = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0), (3, 3), (3, 7), (7, 7), (7, 3), (3, 3)]
    expected = np.ones((10, 10), dtype=np.bool_)
    expected[3:7, 3:7] = False
    np.testing.assert_array_equal(polygon_mask(outline, height=10, width=10), expected)


def test_what_lies_outside_the_image_is_cut_off() -> None:
    mask = polygon_mask([(-5, -5), (3, -5), (3, 20), (-5, 20)], height=6, width=6)
    assert mask[:, :3].all()
    assert not mask[:, 3:].any()


@given(st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_runs_come_back_as_the_mask_they_were_made_of(height: int, width: int, random) -> None:
    mask = np.array([random.random() < 0.5 for _ in range(height * width)]).reshape(height, width)
    columns = mask.T.ravel()
    edges = np.flatnonzero(np.diff(columns)) + 1
    runs = np.diff([0, *edges, height * width]).tolist()
    if columns[0]:
        runs.insert(0, 0)
    np.testing.assert_array_equal(run_length_mask(runs, height=height, width=width), mask)
    np.testing.assert_array_equal(run_length_mask(_packed(runs), height=height, width=width), mask)


def _packed(runs: list[int]) -> str:
    """As COCO's tools write runs: differences from the third on, 5 bits a letter, sign in the last one."""
    letters = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            bits = value & 0x1F
            value >>= 5
            more = value != (-1 if bits & 0x10 else 0)
            letters.append(chr(48 + bits + (0x20 if more else 0)))
            if not more:
                break
    return "".join(letters)


def test_runs_that_do_not_cover_the_image_are_refused() -> None:
    with pytest.raises(ValueError, match="cover 5 pixels and do not fill 3 x 2"):
        run_length_mask([2, 3], height=2, width=3)
