from __future__ import annotations

import numpy as np
import pytest

from sounddesk.evaluation.metrics.boundary import boundary_f_score


def square(left: int, top: int, side: int = 20) -> np.ndarray:
    mask = np.zeros((100, 100), dtype=np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_shift_within_the_tolerance_costs_nothing_and_one_beyond_it_all_that_is_off() -> None:
    truth = square(40, 40)
    assert boundary_f_score(truth, truth, tolerance_px=0) == 1
    assert boundary_f_score(square(42, 40), truth, tolerance_px=2) == 1
    assert boundary_f_score(square(42, 40), truth, tolerance_px=1) < 1
    assert boundary_f_score(square(0, 0), truth, tolerance_px=2) == 0


def test_half_of_the_edge_found_is_two_thirds() -> None:
    # Of two equal squares one is found: precision 1, recall 1/2.
    truth = square(10, 10) | square(60, 60)
    assert boundary_f_score(square(10, 10), truth, tolerance_px=1) == pytest.approx(2 / 3)


def test_the_border_of_the_image_is_no_edge() -> None:
    # Both reach the border; only the inner sides are compared.
    truth, answer = np.zeros((50, 50), dtype=np.bool_), np.zeros((50, 50), dtype=np.bool_)
    truth[:, :20] = True
    answer[:, :30] = True
    assert boundary_f_score(answer, truth, tolerance_px=9) == 0
    assert boundary_f_score(answer, truth, tolerance_px=10) == 1


def test_masks_without_an_edge() -> None:
    empty = np.zeros((10, 10), dtype=np.bool_)
    assert boundary_f_score(empty, empty) == 1
    assert boundary_f_score(empty, square(3, 3)[:10, :10]) == 0
