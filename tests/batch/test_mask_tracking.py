"""Masks follow what they cover, and return to where they were at a cut."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.batch.mask_tracking import MaskTracker
from tests.batch.conftest import HEIGHT
from tests.batch.conftest import WIDTH
from tests.batch.conftest import box_mask
from tests.batch.conftest import draw_frame


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    inside = mask >= 128
    return np.count_nonzero(inside & truth) / np.count_nonzero(inside | truth)


def coverage(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * np.uint8(255)


@pytest.fixture
def tracker() -> MaskTracker:
    return MaskTracker(np.asarray(draw_frame(0)), {"red": coverage(box_mask(0))})


def test_a_mask_follows_its_object_and_stays_sharp(tracker: MaskTracker) -> None:
    for shift in range(2, 42, 2):
        assert tracker.advance(np.asarray(draw_frame(shift)))
    mask = tracker.masks["red"]
    assert overlap(mask, box_mask(40)) > 0.95
    # Left where it was, it would hardly cover the object any more.
    assert overlap(coverage(box_mask(0)), box_mask(40)) < 0.05
    soft = (mask > 10) & (mask < 245)
    assert soft.mean() < 0.05


def test_a_still_picture_changes_nothing(tracker: MaskTracker) -> None:
    for _ in range(10):
        assert tracker.advance(np.asarray(draw_frame(0)))
    assert overlap(tracker.masks["red"], box_mask(0)) > 0.97


def test_at_a_cut_the_mask_returns_to_its_first_place(tracker: MaskTracker) -> None:
    for shift in (2, 4, 6):
        tracker.advance(np.asarray(draw_frame(shift)))
    other = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert not tracker.advance(other)
    assert np.array_equal(tracker.masks["red"], coverage(box_mask(0)))


def test_another_size_is_a_cut(tracker: MaskTracker) -> None:
    assert not tracker.advance(np.asarray(draw_frame(0).resize((WIDTH * 2, HEIGHT * 2))))


@pytest.mark.slow
def test_an_object_that_leaves_the_picture_leaves_an_empty_mask(tracker: MaskTracker) -> None:
    for shift in range(3, 150, 3):
        tracker.advance(np.asarray(draw_frame(shift)))
    assert (tracker.masks["red"] >= 128).mean() < 0.01
