from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.errors import EngineError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.protocol import check_image
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.segmenters.protocol import sample_polyline
from sounddesk.engine.types import image_sha256

WIDTH, HEIGHT = 64, 48


def check(prompt: Prompt) -> None:
    check_prompt(prompt, width=WIDTH, height=HEIGHT)


@given(x=st.floats(0, WIDTH, exclude_max=True), y=st.floats(0, HEIGHT, exclude_max=True))
def test_every_pixel_can_be_clicked(x: float, y: float) -> None:
    check(Prompt.click(x, y))


@pytest.mark.parametrize("point", [(-1, 5), (64, 5), (5, 48), (5, -0.1), (math.nan, 5), (math.inf, 5)])
def test_click_outside_names_the_coordinates_and_the_size(point: tuple[float, float]) -> None:
    with pytest.raises(PromptError) as caught:
        check(Prompt.click(*point))
    assert f"click at {point[0]:g},{point[1]:g} is outside the image of 64 x 48 px" in str(caught.value)
    assert isinstance(caught.value, EngineError)


def test_negative_clicks_and_scribbles_are_checked_too() -> None:
    with pytest.raises(PromptError, match="click at 99,1"):
        check(Prompt(points=((1, 1), (99, 1)), labels=(True, False)))
    with pytest.raises(PromptError, match="scribble at 64,0"):
        check(Prompt(points=((1, 1),), labels=(True,), negative_scribbles=(((0, 0), (64, 0)),)))


@pytest.mark.parametrize("box", [(0, 0, 64, 48), (3.5, 2.5, 10, 9)])
def test_boxes_inside(box: tuple[float, float, float, float]) -> None:
    check(Prompt(box=box))


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 65, 48), (0, 0, 64, 49), (0, 0, math.nan, 5)])
def test_boxes_outside(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(PromptError, match="outside the image of 64 x 48 px"):
        check(Prompt(box=box))


@pytest.mark.parametrize("box", [(10, 0, 5, 5), (5, 5, 5, 20), (5, 5, 5.5, 20)])
def test_boxes_without_area(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(PromptError, match="no area"):
        check(Prompt(box=box))


def test_prompt_without_anything_positive() -> None:
    for prompt in (
        Prompt(),
        Prompt(points=((1, 1),), labels=(False,)),
        Prompt(positive_scribbles=((),)),
        Prompt(mask_hint=np.zeros((HEIGHT, WIDTH), bool)),
    ):
        with pytest.raises(PromptError, match="nothing is selected"):
            check(prompt)
    check(Prompt(mask_hint=np.ones((HEIGHT, WIDTH), bool)))
    check(Prompt(positive_scribbles=(((1, 1), (5, 5)),)))


def test_mask_hint_of_another_size() -> None:
    with pytest.raises(PromptError, match="mask hint is 48 x 64 px, the image is 64 x 48 px"):
        check(Prompt(mask_hint=np.ones((WIDTH, HEIGHT), bool)))


def test_points_need_labels() -> None:
    with pytest.raises(ValueError, match="1 points but 0 labels"):
        check(Prompt(points=((1, 1),)))


def test_single_click_is_the_only_ambiguous_prompt() -> None:
    assert Prompt.click(1, 1).is_single_click
    assert not Prompt(points=((1, 1), (2, 2)), labels=(True, True)).is_single_click
    assert not Prompt(points=((1, 1),), labels=(False,)).is_single_click
    assert not Prompt(points=((1, 1),), labels=(True,), box=(0, 0, 5, 5)).is_single_click
    assert not Prompt(points=((1, 1),), labels=(True,), negative_scribbles=(((0, 0),),)).is_single_click
    assert not Prompt(points=((1, 1),), labels=(True,), mask_hint=np.ones((2, 2), bool)).is_single_click


def test_points_by_label() -> None:
    prompt = Prompt(points=((1, 1), (2, 2), (3, 3)), labels=(True, False, True))
    assert prompt.positive_points == ((1, 1), (3, 3))
    assert prompt.negative_points == ((2, 2),)


@given(
    line=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=6),
    step=st.floats(1, 50),
)
def test_sampled_polyline_keeps_its_corners_and_its_step(line: list[tuple[float, float]], step: float) -> None:
    sampled = sample_polyline(tuple(line), step=step)
    assert sampled[0] == line[0]
    for corner in line:
        assert min(math.dist(corner, point) for point in sampled) < 1e-9
    for a, b in itertools.pairwise(sampled):
        assert math.dist(a, b) <= step * (1 + 1e-9)


def test_hash_depends_on_pixels_and_shape() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert image_sha256(image) == image_sha256(image.copy())
    assert image_sha256(image) == image_sha256(np.asfortranarray(image))
    assert image_sha256(image) != image_sha256(image.reshape(4, 2, 3))
    assert image_sha256(image) != image_sha256(image + 1)


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_only_rgb_bytes_are_an_image(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="give uint8"):
        check_image(array)


def test_encoded_image_of_another_segmenter() -> None:
    encoded = EncodedImage(image=np.zeros((HEIGHT, WIDTH, 3), np.uint8), sha256="", segmenter="GrabCut", features=None)
    assert (encoded.width, encoded.height) == (WIDTH, HEIGHT)
    check_encoded(encoded, segmenter="GrabCut")
    with pytest.raises(ValueError, match="'GrabCut': encode it again with 'SAM ViT-B'"):
        check_encoded(encoded, segmenter="SAM ViT-B")


def test_alternatives_are_kept_up_to_24_megapixels() -> None:
    def sized(width: int, height: int) -> EncodedImage:
        image = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
        return EncodedImage(image=image, sha256="", segmenter="", features=None)

    assert keeps_alternatives(sized(6000, 4000))
    assert not keeps_alternatives(sized(6001, 4000))
