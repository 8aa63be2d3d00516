from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sounddesk.domain import mask as m

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))
FULL_MASKS = MASKS.filter(lambda mask: mask.any())


def test_empty_mask_is_refused_by_name_with_the_remedy() -> None:
    empty = np.zeros((4, 5), dtype=bool)
    with pytest.raises(ValueError, match=r"^mask is empty: select an object or paint one$"):
        m.check_not_empty(empty)
    with pytest.raises(ValueError, match=r"^mask of 'dog' is empty: select"):
        m.check_not_empty(empty, name="dog")


@pytest.mark.parametrize("array", [np.zeros((4, 5)), np.zeros(4, dtype=bool), np.zeros((0, 5), dtype=bool)])
def test_what_is_no_mask_is_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"give bool\[height, width\]"):
        m.check_mask(array)


@given(MASKS)
def test_union_with_the_rest_is_everything_and_areas_add_up(mask: np.ndarray) -> None:
    rest = ~mask
    assert m.union([mask, rest]).all()
    assert m.area(mask) + m.area(rest) == mask.size
    assert m.coverage(mask) == pytest.approx(mask.mean())
    assert np.array_equal(m.union([mask]), mask)


def test_union_refuses_none_and_different_sizes() -> None:
    with pytest.raises(ValueError, match="at least one"):
        m.union([])
    with pytest.raises(ValueError, match="masks are 5 x 4 and 4 x 5 pixels"):
        m.union([np.ones((4, 5), dtype=bool), np.ones((5, 4), dtype=bool)])


@given(FULL_MASKS)
def test_box_is_the_smallest_around_the_mask(mask: np.ndarray) -> None:
    box = m.bounding_box(mask)
    inside = mask[box.top : box.bottom, box.left : box.right]
    assert inside.shape == (box.height, box.width)
    assert inside.sum() == mask.sum()
    assert inside[0].any()
    assert inside[-1].any()
    assert inside[:, 0].any()
    assert inside[:, -1].any()


@given(FULL_MASKS)
def test_centroid_agrees_with_the_mean_of_pixel_centres(mask: np.ndarray) -> None:
    ys, xs = np.nonzero(mask)
    assert m.centroid(mask) == pytest.approx((xs.mean() + 0.5, ys.mean() + 0.5))


@given(FULL_MASKS)
def test_pan_lies_between_the_ends_and_mirrors_with_the_mask(mask: np.ndarray) -> None:
    pan = m.pan_from_mask(mask)
    assert -1.0 < pan < 1.0
    assert m.pan_from_mask(mask[:, ::-1]) == pytest.approx(-pan)


def test_pan_of_a_full_mask_is_the_centre_and_of_an_edge_nearly_one() -> None:
    assert m.pan_from_mask(np.ones((3, 7), dtype=bool)) == pytest.approx(0.0)
    edge = np.zeros((10, 100), dtype=bool)
    edge[:, -1] = True
    assert m.pan_from_mask(edge) == pytest.approx(0.99)


@pytest.mark.parametrize("what", [m.centroid, m.bounding_box, m.pan_from_mask])
def test_an_empty_mask_has_no_place(what: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="mask is empty"):
        what(np.zeros((2, 2), dtype=bool))


@given(FULL_MASKS, st.integers(2, 5))
def test_enlarging_repeats_pixels_and_reducing_brings_them_back(mask: np.ndarray, factor: int) -> None:
    height, width = mask.shape
    large = m.fit_to_image(mask, width=width * factor, height=height * factor)
    assert np.array_equal(large, np.kron(mask, np.ones((factor, factor), dtype=bool)))
    assert np.array_equal(m.fit_to_image(large, width=width, height=height), mask)


@given(FULL_MASKS)
def test_the_same_size_changes_nothing(mask: np.ndarray) -> None:
    fitted = m.fit_to_image(mask, width=mask.shape[1], height=mask.shape[0])
    assert np.array_equal(fitted, mask)
    assert fitted is not mask


@given(st.integers(0, 99), st.integers(0, 199))
def test_a_single_pixel_survives_reduction_at_its_place(y: int, x: int) -> None:
    mask = np.zeros((100, 200), dtype=bool)
    mask[y, x] = True
    small = m.fit_to_image(mask, width=20, height=10)
    assert small.sum() == 1
    assert small[y // 10, x // 10]


def test_rounding_of_one_pixel_is_the_same_aspect_ratio() -> None:
    mask = np.ones((667, 1000), dtype=bool)
    assert m.fit_to_image(mask, width=3000, height=2000).shape == (2000, 3000)


@pytest.mark.parametrize("shape", [(100, 110), (200, 100), (2, 3)])
def test_another_aspect_ratio_is_refused_with_both_sizes(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"mask is {shape[1]} x {shape[0]} pixels and the image 100 x 100: give"):
        m.fit_to_image(np.ones(shape, dtype=bool), width=100, height=100)


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 5"):
        m.fit_to_image(np.ones((5, 5), dtype=bool), width=0, height=5)


@given(FULL_MASKS, st.data())
def test_hash_tells_masks_apart_and_ignores_memory_layout(mask: np.ndarray, data: st.DataObject) -> None:
    assert m.mask_sha256(mask) == m.mask_sha256(np.asfortranarray(mask))
    y = data.draw(st.integers(0, mask.shape[0] - 1))
    x = data.draw(st.integers(0, mask.shape[1] - 1))
    other = mask.copy()
    other[y, x] = not other[y, x]
    assert m.mask_sha256(other) != m.mask_sha256(mask)


def test_hash_knows_the_shape() -> None:
    assert m.mask_sha256(np.ones((2, 4), dtype=bool)) != m.mask_sha256(np.ones((4, 2), dtype=bool))


def test_hash_of_soft_masks_follows_every_level() -> None:
    soft = np.array([[0, 128], [255, 1]], dtype=np.uint8)
    assert m.mask_sha256(soft) == m.mask_sha256(np.asfortranarray(soft))
    assert len({m.mask_sha256(each) for each in (soft, soft ^ 1, soft >= 128, soft.reshape(1, 4))}) == 4
    with pytest.raises(ValueError, match="give bool"):
        m.mask_sha256(np.zeros((2, 2), dtype=np.float32))  # type: ignore[arg-type]


@given(st.floats(-0.5, 1.5, width=32))
def test_a_probability_becomes_a_byte_on_its_own_side_of_one_half(probability: float) -> None:
    values = np.array([probability], np.float32)
    byte = int(m.quantise_probability(values)[0])
    assert (byte >= 128) == (probability >= 0.5)
    assert abs(byte / 255 - min(1.0, max(0.0, probability))) <= 0.5 / 255 + 1e-6


def test_every_mask_rounds_a_probability_in_the_same_way() -> None:
    from sounddesk.domain.tiled_mask import TiledMask

    # Both sides of every half byte, and the halves themselves.
    halves = (np.arange(255) + 0.5) / 255
    every = np.sort(np.concatenate([np.nextafter(halves, 0), halves, np.nextafter(halves, 1)]))[None]
    assert np.array_equal(TiledMask.from_array(every).to_array(), m.quantise_probability(every))
