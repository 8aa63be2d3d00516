"""Composed scenes: masks are true, objects stay apart, layouts vary and repeat by seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.images.scene_composition import compose_scene
from sounddesk.engine.images.scene_composition import vary_cut_out

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def cut_outs(count: int) -> list[np.ndarray]:
    out = []
    for index in range(count):
        cut_out = np.zeros((40 + 10 * index, 60, 4), dtype=np.uint8)
        cut_out[5:-5, 5:-5] = (*COLOURS[index], 255)
        out.append(cut_out)
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(0, 10_000))
def test_each_mask_shows_its_own_object_and_no_other(count: int, seed: int) -> None:
    background = np.full((50, 50, 3), 128, dtype=np.uint8)
    rng = np.random.default_rng(seed)
    scene = compose_scene(cut_outs(count), background=background, height=120, width=160, rng=rng)
    assert scene.image.shape == (120, 160, 3)
    assert np.sum(scene.masks, axis=0).max() == 1
    for mask, colour in zip(scene.masks, COLOURS, strict=False):
        assert mask.sum() > 30
        mean = scene.image[mask].mean(axis=0)
        assert np.abs(mean - colour).max() < 60
    outside = ~np.any(scene.masks, axis=0)
    assert np.median(scene.image[outside]) == 128


def test_the_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    background = np.random.default_rng(0).integers(0, 255, (80, 90, 3), dtype=np.uint8)
    one, two, other = (
        compose_scene(cut_outs(3), background=background, height=100, width=100, rng=np.random.default_rng(seed)).image
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("count", [0, 5])
def test_no_or_too_many_objects_are_refused(count: int) -> None:
    options = (cut_outs(4) * 2)[:count]
    with pytest.raises(ValueError, match=f"{count} cut-outs"):
        compose_scene(
            options, background=np.zeros((9, 9, 3), np.uint8), height=50, width=50, rng=np.random.default_rng(0)
        )


def test_varying_keeps_the_shape_and_changes_the_colours() -> None:
    cut_out = cut_outs(1)[0]
    varied = vary_cut_out(cut_out, np.random.default_rng(3))
    opaque, before = (varied[..., 3] > 127).sum(), (cut_out[..., 3] > 127).sum()
    assert opaque == pytest.approx(before, rel=0.05)
    assert varied.dtype == np.uint8
