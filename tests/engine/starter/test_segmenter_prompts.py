from __future__ import annotations

from dataclasses import replace

import numpy as np

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.starter.segmenter_prompts import fit_prompt

WIDTH, HEIGHT, IMAGE_SIZE, MASK_SIDE = 400, 100, 200, 50


def fitted(prompt: Prompt) -> FittedPrompt:
    return fit_prompt(prompt, width=WIDTH, height=HEIGHT, image_size=IMAGE_SIZE, mask_side=MASK_SIDE)


def test_clicks_and_boxes_go_through_the_squash_of_the_image() -> None:
    steps = fitted(Prompt(points=((300.5, 10.25),), labels=(True,), box=(100.0, 0.0, 400.0, 100.0)))
    # SAM's prompt encoder adds the half pixel again.
    assert steps.points == ((300.5 * 0.5 - 0.5, 10.25 * 2 - 0.5),)
    assert steps.box == (49.5, -0.5, 199.5, 199.5)


def test_clicks_and_points_of_scribbles_have_no_order() -> None:
    prompt = Prompt(
        points=((3, 3), (2, 2), (1, 1)), labels=(True, False, True), negative_scribbles=(((0, 0), (100, 0)),)
    )
    found = fitted(prompt)
    assert found.positive == ((1, 1), (3, 3))
    assert found.negative == ((0, 0), (2, 2), (25, 0), (50, 0), (75, 0), (100, 0))
    assert found.labels == (1, 1, 0, 0, 0, 0, 0, 0)
    again = fitted(replace(prompt, points=prompt.points[::-1], labels=prompt.labels[::-1]))
    assert again.key == found.key
    assert fitted(replace(prompt, labels=(True, True, True))).key != found.key


def test_a_lone_hint_gets_its_bounds_as_a_box() -> None:
    hint = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    hint[20:40, 80:160] = True
    steps = fitted(Prompt(mask_hint=hint))
    assert steps.box == (39.5, 39.5, 79.5, 79.5)
    assert steps.hint is not None
    assert steps.hint.shape == (MASK_SIDE, MASK_SIDE)
    rows, columns = np.nonzero(steps.hint > 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 10, 19)
    corrected = fitted(Prompt(mask_hint=hint, points=((100, 30), (0, 0)), labels=(True, False)))
    assert corrected.box is None
    assert corrected.labels == (1, 0)
