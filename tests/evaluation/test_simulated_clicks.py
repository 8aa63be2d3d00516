from __future__ import annotations

import numpy as np

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.evaluation.simulated_clicks import box_around
from sounddesk.evaluation.simulated_clicks import honoured_clicks
from sounddesk.evaluation.simulated_clicks import innermost_point
from sounddesk.evaluation.simulated_clicks import is_thin
from sounddesk.evaluation.simulated_clicks import next_click

TRUTH = np.zeros((60, 80), dtype=np.bool_)
TRUTH[20:41, 30:51] = True


def test_the_first_click_is_in_the_middle_of_a_square() -> None:
    assert innermost_point(TRUTH) == (40.5, 30.5)


def test_the_next_click_is_in_the_largest_wrong_region_of_either_sort() -> None:
    missed = TRUTH.copy()
    missed[20:41, 40:51] = False
    point, label = next_click(missed, TRUTH)
    assert label is True
    assert point[0] == 45.5
    assert 25 < point[1] < 36
    too_much = missed.copy()
    too_much[0:17, 0:79] = True
    point, label = next_click(too_much, TRUTH)
    assert label is False
    assert point[1] == 8.5
    assert next_click(TRUTH, TRUTH) is None


def test_several_small_mistakes_count_less_than_a_large_one() -> None:
    answer = TRUTH.copy()
    answer[20:23, 30:33] = False
    answer[38:41, 48:51] = False
    answer[50:54, 10:14] = True
    assert next_click(answer, TRUTH)[1] is False


def test_a_box_has_a_margin_and_stays_in_the_image() -> None:
    mask = np.zeros((60, 80), dtype=np.bool_)
    mask[10:20, 0:40] = True
    assert box_around(mask).box == (0.0, 8.0, 42.0, 22.0)


def test_clicks_are_honoured_inside_and_outside() -> None:
    prompt = Prompt(points=((40.5, 30.5), (0.5, 0.5), (50.99, 40.99), (51.0, 40.0)), labels=(True, False, True, True))
    assert honoured_clicks(TRUTH, prompt) == 3
    assert honoured_clicks(~TRUTH, prompt) == 1


def test_a_rod_is_thin_and_a_square_is_not() -> None:
    rod = np.zeros((60, 80), dtype=np.bool_)
    rod[30:34, 5:75] = True
    assert is_thin(rod)
    assert not is_thin(TRUTH)
