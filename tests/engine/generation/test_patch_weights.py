"""The mask rule: moments, saturation, permutation, geometry, and hints inside a mask."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.generation.patch_weights import weights_with_prompt

P = 49


def binary(covered: int) -> np.ndarray:
    coverage = np.zeros(P, dtype=np.float32)
    coverage[:covered] = 1.0
    return coverage


@pytest.mark.parametrize(("covered", "limit"), [(2, 0.0989), (6, 0.0546), (12, 0.0358), (24, 0.0208)])
def test_saturation_is_uniform_on_the_mask(covered: int, limit: float) -> None:
    weights = rescale_to_attention(binary(covered), attention_std=0.14)
    assert weights.std() == pytest.approx(limit, abs=1e-4)
    np.testing.assert_allclose(weights[:covered], 1 / covered, atol=1e-6)
    np.testing.assert_allclose(weights[covered:], 0.0, atol=1e-7)


def test_twelve_of_49_patches_at_a_reachable_deviation() -> None:
    weights = rescale_to_attention(binary(12), attention_std=0.02)
    assert weights.std() == pytest.approx(0.02, abs=1e-6)
    assert weights.min() == pytest.approx(0.0090, abs=1e-4)


def test_literal_affine_match_may_go_negative() -> None:
    weights = rescale_to_attention(binary(12), attention_std=0.05, nonneg=False)
    assert weights.std() == pytest.approx(0.05, abs=1e-6)
    assert weights.min() < 0
    assert weights.sum() == pytest.approx(1.0, abs=1e-5)


def test_full_mask_is_uniform_and_empty_mask_is_refused() -> None:
    np.testing.assert_allclose(rescale_to_attention(np.ones(P, np.float32), attention_std=0.05), 1 / P, atol=1e-8)
    with pytest.raises(ValueError, match="mask is empty"):
        rescale_to_attention(np.zeros(P, np.float32), attention_std=0.05)


def test_without_statistics_the_mask_is_uniform_on_the_object() -> None:
    weights = rescale_to_attention(binary(5), attention_std=None)
    np.testing.assert_allclose(weights[:5], 0.2, atol=1e-6)


coverages = st.lists(st.floats(0, 1, width=32), min_size=P, max_size=P).map(lambda v: np.array(v, dtype=np.float32))


@settings(max_examples=60, deadline=None)
@given(coverages, st.floats(0.001, 0.14), st.randoms(use_true_random=False))
def test_mean_sum_sign_and_order_hold_for_any_mask(coverage: np.ndarray, std: float, random: object) -> None:
    if not np.any(coverage > 0):
        return
    weights = rescale_to_attention(coverage, attention_std=std)
    assert weights.sum() == pytest.approx(1.0, abs=1e-4)
    assert weights.min() >= -1e-6
    assert weights.std() <= std + 1e-5 or coverage.std() < 1e-6
    order = np.random.default_rng(0).permutation(P)
    np.testing.assert_allclose(rescale_to_attention(coverage[order], attention_std=std), weights[order], atol=1e-5)


def test_coverage_is_exact_where_cells_end_inside_a_pixel() -> None:
    mask = np.zeros((10, 10), dtype=np.bool_)
    mask[:, :5] = True
    coverage = patch_coverage(mask, grid=(1, 3)).reshape(3)
    np.testing.assert_allclose(coverage, [1.0, 0.5, 0.0], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_coverage_keeps_the_area(height: int, width: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    coverage = patch_coverage(mask, grid=(7, 7))
    assert coverage.mean() == pytest.approx(mask.mean(), abs=1e-4)


def test_an_object_smaller_than_a_patch_is_the_peak() -> None:
    mask = np.zeros((224, 224), dtype=np.bool_)
    mask[100:104, 37:41] = True
    coverage = patch_coverage(mask, grid=(7, 7))
    assert coverage.argmax() == 3 * 7 + 1
    assert coverage.max() == pytest.approx(16 / 32**2, rel=1e-4)
    weights = rescale_to_attention(coverage, attention_std=0.14)
    assert weights.argmax() == 3 * 7 + 1


def test_a_hint_moves_weight_inside_the_mask_only() -> None:
    coverage = binary(4)
    mask_weights = rescale_to_attention(coverage, attention_std=0.14)
    attention = np.full(P, 1 / P, dtype=np.float32)
    attention[1] = 0.3
    attention[20] = 0.9
    steered = weights_with_prompt(mask_weights, attention, coverage, sharpness=1.0)
    assert steered[1] > mask_weights[1]
    assert steered[20] == pytest.approx(mask_weights[20], abs=1e-6)
    assert steered.sum() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(
        weights_with_prompt(mask_weights, attention, coverage, sharpness=0.0), mask_weights, atol=1e-6
    )


def test_one_hot_deviation_is_the_upper_end() -> None:
    one_hot = np.zeros(P)
    one_hot[0] = 1
    assert one_hot.std() == pytest.approx(0.1414, abs=1e-3)
    assert one_hot.std() == pytest.approx(math.sqrt((P - 1) / P**2), rel=1e-6)
