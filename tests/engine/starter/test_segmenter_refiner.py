"""The refiner at tiny size: what it is given, and that each of its inputs counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter_refiner import HINTS
from sounddesk.engine.starter.segmenter_refiner import REFINER_STRIDES
from sounddesk.engine.starter.segmenter_refiner import RefinerConfig
from sounddesk.engine.starter.segmenter_refiner import RegionRefiner
from sounddesk.engine.starter.segmenter_refiner import box_map
from sounddesk.engine.starter.segmenter_refiner import click_maps
from sounddesk.engine.starter.segmenter_refiner import folded
from sounddesk.engine.starter.segmenter_refiner import guess_in
from sounddesk.engine.starter.segmenter_refiner import region_pixels
from tests.engine.starter.tiny_segmenter import tiny_encoder

REGION = Region(left=20, top=0, right=60, bottom=40, width=80, height=40)


def test_clicks_are_marked_where_they_are() -> None:
    maps = click_maps(np.array([[4, 10], [20, 20]], np.float32), np.array([1, 0]), side=32)
    assert maps.shape == (2, 32, 32)
    assert np.unravel_index(maps[0].argmax(), (32, 32)) in {(r, c) for r in (9, 10) for c in (3, 4)}
    assert maps[1, 20, 20] > 0.9 > maps[1, 10, 4]
    assert maps.max() <= 1
    assert not click_maps(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), side=8).any()


def test_a_box_is_one_inside_and_minus_one_outside() -> None:
    drawn = box_map(np.array([2, 1, 6, 5], np.float32), side=8)
    assert (drawn > 0).sum() == 16
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert drawn[1, 2] == 1


def test_a_guess_is_bounded_and_lies_where_it_lay() -> None:
    logits = np.full((16, 16), -20.0, np.float32)
    logits[:, 8:] = 20.0  # the right half of the image, and of a region in its middle
    found = guess_in(REGION, logits, side=32)
    assert (found.min(), found.max()) == (-8, 8)
    assert (found[:, :14] < 0).all()
    assert (found[:, 18:] > 0).all()


@pytest.mark.parametrize(("count", "maps"), [(1, 3), (3, 4)])
def test_every_input_counts(count: int, maps: int) -> None:
    torch.manual_seed(0)
    encoder = tiny_encoder()
    image = np.random.default_rng(0).integers(0, 255, (40, 80, 3), dtype=np.uint8)
    config = RefinerConfig(side=32, widths=(8, 8, 8, 8))
    pixels = encoder.normalised([region_pixels(image, REGION, config)] * count)
    taps = encoder.feature_maps(pixels, strides=REFINER_STRIDES[:maps])
    config = RefinerConfig(side=32, widths=(8, 8, 8, 8), tap_widths=tuple(tap.shape[1] for tap in taps))
    assert len(config.strides) == maps
    refiner = RegionRefiner(config).eval()
    inputs = [folded(pixels), taps, torch.randn(count, HINTS, 32, 32)]
    logits, scores = refiner(*inputs)
    assert logits.shape == (count, 32, 32)
    assert scores.shape == (count,)
    assert ((scores > 0) & (scores < 1)).all()
    for index in (0, 2):
        changed = list(inputs)
        changed[index] = inputs[index].flip(-1)
        assert not torch.allclose(refiner(*changed)[0], logits)
    for index in range(maps):
        other = [tap.flip(-1) if at == index else tap for at, tap in enumerate(taps)]
        assert not torch.allclose(refiner(inputs[0], other, inputs[2])[0], logits), f"map {index} counts"


def test_folding_loses_nothing() -> None:
    pixels = torch.randn(2, 3, 16, 16)
    assert folded(pixels).shape == (2, 48, 4, 4)
    assert torch.equal(torch.nn.functional.pixel_shuffle(folded(pixels), 4), pixels)


def test_maps_of_some_strides_are_those_of_all() -> None:
    encoder = tiny_encoder()
    pixels = torch.randn(1, 3, 64, 64)
    _, every = encoder.patches_and_maps(pixels)
    last = encoder.backbone.blocks[-1]
    calls: list[int] = []
    last.register_forward_hook(lambda *_: calls.append(1))
    some = encoder.feature_maps(pixels, strides=REFINER_STRIDES[:3])
    assert not calls, "what lies behind stride 16 is not computed"
    assert all(torch.equal(a, b) for a, b in zip(some, every, strict=False))
