from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.segmenter_prompts import PromptSteps
from sounddesk.engine.starter.segmenter_prompts import prompt_steps

WIDTH, HEIGHT, IMAGE_SIZE, MASK_SIDE = 400, 100, 200, 50


def steps_of(prompt: Prompt) -> PromptSteps:
    return prompt_steps(prompt, width=WIDTH, height=HEIGHT, image_size=IMAGE_SIZE, mask_side=MASK_SIDE)


def test_clicks_and_boxes_go_through_the_squash_of_the_image() -> None:
    steps = steps_of(Prompt(points=((300.5, 10.25),), labels=(True,), box=(100.0, 0.0, 400.0, 100.0)))
    # SAM's prompt encoder adds the half pixel again.
    assert steps.points == ((300.5 * 0.5 - 0.5, 10.25 * 2 - 0.5),)
    assert steps.box == (49.5, -0.5, 199.5, 199.5)


@pytest.mark.parametrize(
    ("prompt", "counts"),
    [
        (Prompt.click(1, 1), (1,)),
        (Prompt(points=((1, 1), (2, 2), (3, 3)), labels=(True, False, True)), (1, 2, 3)),
        (Prompt(points=((1, 1), (2, 2), (3, 3)), labels=(False, True, False)), (2, 3)),
        (Prompt(box=(0, 0, 9, 9)), (0,)),
        (Prompt(box=(0, 0, 9, 9), points=((1, 1), (2, 2)), labels=(False, True)), (0, 1, 2)),
        (Prompt(points=((1, 1),), labels=(True,), negative_scribbles=(((0, 0), (100, 0)),)), (1, 6)),
        (Prompt(positive_scribbles=(((0, 0), (100, 0)),)), (1, 5)),
    ],
)
def test_a_prompt_is_answered_in_the_order_of_training(prompt: Prompt, counts: tuple[int, ...]) -> None:
    assert steps_of(prompt).counts == counts


def test_a_lone_hint_gets_its_bounds_as_a_box() -> None:
    hint = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    hint[20:40, 80:160] = True
    steps = steps_of(Prompt(mask_hint=hint))
    assert steps.box == (39.5, 39.5, 79.5, 79.5)
    assert steps.counts == (0,)
    assert steps.hint is not None
    assert steps.hint.shape == (MASK_SIDE, MASK_SIDE)
    rows, columns = np.nonzero(steps.hint > 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 10, 19)
    corrected = steps_of(Prompt(mask_hint=hint, points=((100, 30), (0, 0)), labels=(True, False)))
    assert corrected.box is None
    assert corrected.counts == (2,)
