"""Which value is white: decided by the bulk of a picture, whatever single pixels say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.images.pixel_levels import linear_to_eight_bit
from sounddesk.engine.images.pixel_levels import srgb_curve
from sounddesk.engine.images.pixel_levels import to_eight_bit

HEIGHT, WIDTH = 60, 80


def scene(seed: int = 0) -> np.ndarray:
    """float32[60, 80, 3] in 0..1 with a mean of about a half."""
    return np.random.default_rng(seed).random((HEIGHT, WIDTH, 3)).astype(np.float32)


def same(values: np.ndarray, wanted: np.ndarray, *, apart_from: int = 20) -> bool:
    """Equal to one level, but for a few pixels that were spoilt."""
    return int((np.abs(values.astype(int) - wanted.astype(int)) > 1).sum()) <= apart_from


@pytest.mark.parametrize("glint", [1.7, 60.0, 1000.0, 1e6, np.inf, -0.5, -1e9, np.nan])
@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_a_single_value_does_not_decide(glint: float, white: float) -> None:
    values = scene() * np.float32(white)
    expected = to_eight_bit(values)
    values[5, 5] = glint * white if np.isfinite(glint) else glint
    assert same(to_eight_bit(values), expected)
    assert np.abs(expected - scene() * 255).max() <= 0.51


def test_what_is_clipped_is_told() -> None:
    values = scene() * np.float32(0.9)
    values[:2, :3] = 1.7
    notes: list[str] = []
    assert (to_eight_bit(values, notes=notes)[:2, :3] == 255).all()
    assert "values above 1 (0.12 %) are clipped" in notes[0]
    assert "linear light" in notes[1]


@pytest.mark.parametrize(("depth", "taken"), [(8, 8), (10, 10), (12, 12), (16, 16)])
def test_fewer_bits_in_sixteen_are_stretched(depth: int, taken: int) -> None:
    values = np.rint(scene() * ((1 << depth) - 1)).astype(np.uint16)
    values[0, 0] = 65535
    notes: list[str] = []
    assert same(to_eight_bit(values, notes=notes), np.rint(scene() * 255).astype(np.uint8), apart_from=3)
    assert (f"taken as {taken} bits" in notes[0]) == (depth < 16)


def test_fourteen_bits_stay_dark_and_are_told() -> None:
    notes: list[str] = []
    shown = to_eight_bit(np.rint(scene() * 16383).astype(np.uint16), notes=notes)
    assert shown.max() == 64
    assert "16383 of 65535" in notes[1]


def test_many_negative_values_are_stretched_and_outliers_left_aside() -> None:
    values = scene() * np.float32(8.0) - np.float32(4.0)
    expected = np.rint((values + 4.0) / 8.0 * 255)
    values[0, 0], values[0, 1] = -1e9, 1e9
    assert same(to_eight_bit(values), expected)


def test_linear_light_is_shown_by_the_curve_of_srgb() -> None:
    # IEC 61966-2-1: 18 % grey is level 118, half the light 188.
    notes: list[str] = []
    values = np.full((20, 20, 3), 0.18, np.float32)
    values[10:] = 0.5
    shown = linear_to_eight_bit(values, notes=notes)
    assert (int(shown[0, 0, 0]), int(shown[15, 0, 0])) == (118, 188)
    assert notes == ["linear light shown by the curve of sRGB"]


def test_light_above_one_is_clipped_or_exposed_by_its_bulk() -> None:
    notes: list[str] = []
    some = scene()
    some[:6] = 40.0
    assert same(linear_to_eight_bit(some, notes=notes)[6:], np.rint(255 * srgb_curve(scene()))[6:])
    assert "values above 1 (10 %) are clipped" in notes[0]
    notes.clear()
    assert same(linear_to_eight_bit(scene() * 50, notes=notes), np.rint(255 * srgb_curve(scene())))
    assert "exposed" in notes[0]


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([np.float16, np.float32, np.float64, np.uint16, np.int16, np.int32, np.uint32]),
    data=st.binary(min_size=64, max_size=4096),
)
def test_any_numbers_become_levels(kind: type, data: bytes) -> None:
    values = np.frombuffer(data[: len(data) // 8 * 8], dtype=kind).reshape(-1, 1)
    shown = to_eight_bit(values, notes=[])
    assert shown.dtype == np.uint8
    assert shown.shape == values.shape
