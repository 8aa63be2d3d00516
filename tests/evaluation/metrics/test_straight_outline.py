from __future__ import annotations

import numpy as np
import pytest

from sounddesk.evaluation.metrics.straight_outline import CUT_SHARE
from sounddesk.evaluation.metrics.straight_outline import straight_share

YY, XX = np.mgrid[:200, :300]


def disc(radius: int) -> np.ndarray:
    return np.hypot(XX - 150.2, YY - 100.3) < radius


@pytest.mark.parametrize("radius", [1, 3, 8, 20, 60, 99])
def test_a_disc_of_any_size_is_not_cut(radius: int) -> None:
    elsewhere = XX < 4
    assert straight_share(disc(radius), elsewhere) < CUT_SHARE


@pytest.mark.parametrize("cut", [XX < 150, YY < 90, (XX > 110) & (XX < 190)])
def test_a_cut_through_a_disc_counts_as_long_as_it_is(cut: np.ndarray) -> None:
    mask = disc(60) & cut
    outline = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    lines = np.concatenate([(mask[:, 1:] != mask[:, :-1]).sum(axis=0), (mask[1:] != mask[:-1]).sum(axis=1)])
    assert straight_share(mask, disc(60)) == pytest.approx(lines.max() / outline, abs=0.03)
    assert straight_share(mask, disc(60)) > 2 * CUT_SHARE


def test_straight_things_and_the_border_of_the_image_are_no_cuts() -> None:
    box = (XX > 40) & (XX < 120) & (YY > 30) & (YY < 90)
    assert straight_share(box, box) == 0
    assert straight_share(box, disc(90)) > 0.2
    at_border = (XX < 120) & (np.hypot(XX, YY - 100) < 90)
    assert straight_share(at_border, np.zeros_like(box)) < CUT_SHARE
    assert straight_share(np.zeros_like(box), box) == straight_share(np.ones_like(box), box) == 0


def test_a_line_along_an_edge_of_the_picture_is_no_cut_and_one_through_texture_is() -> None:
    cut = disc(60) & (XX < 150)
    texture = np.random.default_rng(0).integers(60, 200, (200, 300, 3), dtype=np.uint8)
    assert straight_share(cut, disc(60), texture) == straight_share(cut, disc(60)) > 2 * CUT_SHARE
    shelf = texture.copy()
    shelf[:, 150:] //= 3
    assert straight_share(cut, disc(60), shelf) < CUT_SHARE
    # Level lines are judged by what changes from row to row.
    level = np.ascontiguousarray(cut[:, 50:250].T)
    assert straight_share(level, disc(60)[:, 50:250].T, shelf[:, 50:250].transpose(1, 0, 2)) < CUT_SHARE
