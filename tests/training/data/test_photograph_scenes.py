"""Parts of outlined photographs as training scenes: masks follow their objects through every change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sounddesk.training.data.photograph_scenes import draw_photograph
from sounddesk.training.data.photograph_scenes import read_outlined
from tests.training.tiny_data import write_tiny_photographs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("photographs")
    write_tiny_photographs(found)
    return found


def test_outlines_become_soft_masks_and_cut_outs(folder: Path) -> None:
    one, two = read_outlined(folder)
    assert len(one.masks) == 1
    assert len(two.masks) == 2
    edge = one.masks[0][55, 55:66].astype(int)
    assert edge[0] == 0
    assert edge[-1] == 255
    assert ((edge > 0) & (edge < 255)).any()
    # The bar is too thin to be laid elsewhere.
    (cut_out,) = two.cut_outs()
    assert abs(cut_out.shape[0] - 70) <= 2
    assert cut_out[35, 35, 3] == 255
    assert cut_out[35, 35, :3].min() >= 150


def test_masks_stay_on_their_objects(folder: Path) -> None:
    photographs, rng = read_outlined(folder), np.random.default_rng(0)
    seen, partly = 0, 0
    for _ in range(12):
        image, masks = draw_photograph(photographs, cut_outs=(), rng=rng)
        assert 64 <= max(image.shape[:2]) <= 1500
        for mask in masks:
            assert mask.shape == image.shape[:2]
            seen += 1
            if (~mask).any():
                partly += 1
                others = ~np.logical_or.reduce(masks)
                if others.any():
                    assert image[mask].mean() > image[others].mean() + 10
    assert seen >= 8
    assert partly


def test_what_is_laid_over_an_object_is_taken_from_its_mask(folder: Path) -> None:
    photographs = read_outlined(folder)
    cut_outs = [cut_out for photograph in photographs for cut_out in photograph.cut_outs()]
    rng, most = np.random.default_rng(3), 0
    for _ in range(15):
        _, masks = draw_photograph(photographs, cut_outs=cut_outs, rng=rng)
        if masks:
            most = max(most, len(masks))
            assert np.sum(masks, axis=0).max() == 1
    assert most >= 3
