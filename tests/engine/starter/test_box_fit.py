from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.box_fit import best_in_box
from sounddesk.engine.starter.box_fit import drawn_in_box
from sounddesk.engine.starter.box_fit import spilt_at
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.region import whole_image
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.starter.segmenter_prompts import fit_prompt

# 4 pixels to a cell.
WHOLE = whole_image(width=512, height=256)


def boxed(left: float, top: float, right: float, bottom: float) -> FittedPrompt:
    return fit_prompt(Prompt(box=(left, top, right, bottom)), width=512, height=256, image_size=64, mask_side=16)


def drawn(*parts: tuple[slice, slice, float], score: float = 0.5) -> DrawnMask:
    """On 64 rows and 128 columns stretched to a square: parts with their logits, -6 elsewhere."""
    logits = np.full((128, 128), -6.0, np.float32)
    for rows, columns, value in parts:
        logits[rows, columns] = value
    return DrawnMask(region=WHOLE, logits=logits, score=score)


def rows_of(mask: DrawnMask) -> tuple[int, int]:
    rows = np.flatnonzero((mask.logits > 0).any(axis=1))
    return int(rows[0]), int(rows[-1]) + 1


BODY = (slice(20, 60), slice(20, 80), 6.0)
LEGS = (slice(60, 100), slice(30, 40), -1.5)
AROUND_ALL = boxed(4 * 20 - 8, 2 * 20 - 8, 4 * 80 + 8, 2 * 100 + 8)
AROUND_BODY = boxed(4 * 20 - 8, 2 * 20 - 8, 4 * 80 + 8, 2 * 60 + 8)


def test_a_mask_goes_on_to_the_side_of_the_box_where_it_was_unsure() -> None:
    assert rows_of(best_in_box([drawn(BODY, LEGS)], AROUND_ALL, image_size=64)) == (20, 100)


def test_a_box_around_the_sure_part_leaves_the_rest_out() -> None:
    assert rows_of(best_in_box([drawn(BODY, LEGS)], AROUND_BODY, image_size=64)) == (20, 60)


def test_of_two_readings_the_one_that_the_box_is_around_is_chosen() -> None:
    before, whole = drawn(BODY, score=0.9), drawn(BODY, (slice(60, 100), slice(30, 40), 6.0), score=0.4)
    assert rows_of(best_in_box([before, whole], AROUND_ALL, image_size=64)) == (20, 100)
    assert rows_of(best_in_box([before, whole], AROUND_BODY, image_size=64)) == (20, 60)


def test_how_far_a_hand_keeps_from_the_thing_does_not_matter() -> None:
    for margin in (0, 4, 10):
        prompt = boxed(4 * 20 - margin, 2 * 20 - margin, 4 * 80 + margin, 2 * 60 + margin)
        assert rows_of(best_in_box([drawn(BODY, LEGS)], prompt, image_size=64)) == (20, 60)


def test_nothing_stays_nothing_and_without_a_box_there_is_no_choice() -> None:
    assert not (best_in_box([drawn()], AROUND_ALL, image_size=64).logits > 0).any()
    click = fit_prompt(Prompt.click(5, 5), width=512, height=256, image_size=64, mask_side=16)
    with pytest.raises(ValueError, match="has no box"):
        best_in_box([drawn(BODY)], click, image_size=64)


NEIGHBOUR = (slice(20, 60), slice(84, 120), 6.0)
LINK = (slice(50, 54), slice(80, 84), 6.0)


def test_what_a_box_holds_far_outside_of_it_is_clicked_away() -> None:
    asked: list[FittedPrompt] = []

    def answer(prompt: FittedPrompt) -> list[DrawnMask]:
        asked.append(prompt)
        return [drawn(BODY)] if 0 in prompt.labels else [drawn(BODY, LINK, NEIGHBOUR)]

    found = drawn_in_box(answer, AROUND_BODY, image_size=64)
    assert np.array_equal(found.logits > 0, drawn(BODY).logits > 0)
    assert [each.labels for each in asked] == [(), (0,)]
    # In its middle; the mask has no click of the user's to obey there.
    column, row = WHOLE.cells(np.array(asked[1].points, np.float32), image_size=64, side=128)[0]
    assert 95 < column < 115
    assert 35 < row < 45
    assert asked[1].negative == ()


def test_a_network_that_keeps_what_is_outside_is_asked_no_more_than_four_times() -> None:
    asked: list[FittedPrompt] = []

    def answer(prompt: FittedPrompt) -> list[DrawnMask]:
        asked.append(prompt)
        return [drawn(BODY, LINK, NEIGHBOUR)]

    drawn_in_box(answer, AROUND_BODY, image_size=64)
    assert len(asked) == 4


def test_a_box_that_cuts_off_a_little_of_the_thing_is_left_alone() -> None:
    cut = boxed(4 * 24, 2 * 22, 4 * 77, 2 * 60)
    assert spilt_at(drawn(BODY), cut, image_size=64) is None
    assert spilt_at(drawn(BODY, NEIGHBOUR), cut, image_size=64) is not None
    # A speck far away is not worth a question.
    assert spilt_at(drawn(BODY, (slice(0, 4), slice(120, 124), 6.0)), cut, image_size=64) is None
