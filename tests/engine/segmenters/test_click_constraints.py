from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.segmenters.click_constraints import obey_clicks
from tests.engine.segmenters.plain_scene import HEIGHT
from tests.engine.segmenters.plain_scene import WIDTH
from tests.engine.segmenters.plain_scene import scene

_IMAGE, BALL, BAR = scene()
POINTS = st.tuples(st.floats(0, WIDTH - 0.01), st.floats(0, HEIGHT - 0.01))
# What a network may say: an object, nothing, everything, or nonsense.
ANSWERS = {
    "ball": np.where(BALL, 0.95, 0.05).astype(np.float32),
    "half a ball": np.where(BALL & (np.arange(WIDTH) < 100), 0.95, 0.05).astype(np.float32),
    "ball and bar": np.where(BALL | BAR, 0.95, 0.05).astype(np.float32),
    "nothing": np.zeros((HEIGHT, WIDTH), np.float32),
    "everything": np.ones((HEIGHT, WIDTH), np.float32),
    "noise": cv2.GaussianBlur(np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 4),
}


def pixels(points: list[tuple[float, float]]) -> set[tuple[int, int]]:
    return {(int(y), int(x)) for x, y in points}


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    answer=st.sampled_from(sorted(ANSWERS)),
    positive=st.lists(POINTS, min_size=1, max_size=6),
    negative=st.lists(POINTS, max_size=4),
    data=st.data(),
)
def test_any_clicks_on_any_answer_are_obeyed_in_any_order(
    answer: str,
    positive: list[tuple[float, float]],
    negative: list[tuple[float, float]],
    data: st.DataObject,
) -> None:
    before = ANSWERS[answer].copy()
    bound = obey_clicks(before, positive=positive, negative=negative)
    assert np.array_equal(before, ANSWERS[answer]), "the answer is changed in place"
    assert bound.dtype == np.float32
    assert 0 <= bound.min() and bound.max() <= 1
    assert all(bound[pixel] >= 0.5 for pixel in pixels(positive))
    assert all(bound[pixel] < 0.5 for pixel in pixels(negative) - pixels(positive))
    shuffled = obey_clicks(
        before,
        positive=data.draw(st.permutations(positive)),
        negative=data.draw(st.permutations(negative)),
    )
    assert np.array_equal(bound, shuffled)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(answer=st.sampled_from(sorted(ANSWERS)), positive=st.lists(POINTS, min_size=1, max_size=6))
# Its disc touches a part of the mask at a corner alone.
@example(answer="noise", positive=[(59.0, 33.0)])
def test_positive_clicks_take_nothing_away_that_a_click_is_on(answer: str, positive: list[tuple[float, float]]) -> None:
    before = ANSWERS[answer]
    bound = obey_clicks(before, positive=positive, negative=[])
    assert not ((before >= 0.5) & (bound < 0.5)).any()


def test_an_answer_that_obeys_is_left_alone() -> None:
    answer = ANSWERS["ball"]
    assert obey_clicks(answer, positive=[(100, 100)], negative=[(240, 100)]) is answer


def test_a_broken_click_gets_a_disc_and_no_more() -> None:
    answer = ANSWERS["half a ball"]
    mask = obey_clicks(answer, positive=[(80.5, 100.5), (128.5, 100.5)], negative=[]) >= 0.5
    added = mask & (answer < 0.5)
    rows, columns = np.nonzero(added)
    assert added[100, 128]
    assert np.hypot(rows + 0.5 - 100.5, columns + 0.5 - 128.5).max() < 0.02 * max(mask.shape)


def test_a_pixel_that_was_clicked_both_ways_belongs_to_the_mask() -> None:
    bound = obey_clicks(ANSWERS["ball"], positive=[(100.2, 100.2)], negative=[(100.7, 100.7)])
    assert bound[100, 100] >= 0.5


def test_neighbours_may_be_clicked_differently() -> None:
    bound = obey_clicks(np.zeros((30, 30), np.float32), positive=[(10.5, 10.5), (12.5, 10.5)], negative=[(11.5, 10.5)])
    assert (bound[10, 10:13] >= 0.5).tolist() == [True, False, True]


def test_what_a_negative_click_cuts_off_goes_where_no_positive_click_is_on_it() -> None:
    answer = np.zeros((30, 60), np.float32)
    answer[5:25, 5:25] = answer[5:25, 35:55] = answer[15, 25:35] = 0.9
    bound = obey_clicks(answer, positive=[(15.5, 15.5)], negative=[(30.5, 15.5)]) >= 0.5
    assert bound[5:25, 5:25].all()
    assert not bound[:, 30:].any()
    both = obey_clicks(answer, positive=[(15.5, 15.5), (45.5, 15.5)], negative=[(30.5, 15.5)]) >= 0.5
    assert both[5:25, 35:55].all()


def test_a_part_of_the_image_is_bound_as_the_whole_is() -> None:
    answer = np.where(BALL, 0.95, 0).astype(np.float32)
    positive, negative = [(10.5, 12.5)], [(100.5, 100.5), (0.5, 0.5), (WIDTH - 0.5, HEIGHT - 0.5)]
    whole = obey_clicks(answer, positive=positive, negative=negative)
    rows, columns = np.flatnonzero(BALL.any(axis=1)), np.flatnonzero(BALL.any(axis=0))
    left, top, right, bottom = 5, 5, int(columns[-1]) + 3, int(rows[-1]) + 3
    part = obey_clicks(
        answer[top:bottom, left:right],
        positive=[(x - left, y - top) for x, y in positive],
        negative=[(x - left, y - top) for x, y in negative],
        longer_side=max(WIDTH, HEIGHT),
    )
    assert np.array_equal(whole[top:bottom, left:right], part)
    assert not np.array_equal(whole, answer)
