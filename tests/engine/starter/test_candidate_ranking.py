from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.candidate_ranking import with_agreement
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import whole_image
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.starter.segmenter_prompts import fit_prompt

WHOLE = whole_image(width=400, height=400)


def click(x: float, y: float) -> FittedPrompt:
    return fit_prompt(Prompt.click(x, y), width=400, height=400, image_size=64, mask_side=16)


def square(side: int, *, region: Region = WHOLE, sure: float = 6.0, score: float = 0.5) -> DrawnMask:
    """A square of `side` of 128 cells in the region's corner."""
    logits = np.full((128, 128), -6.0, np.float32)
    logits[:side, :side] = sure
    return DrawnMask(region=region, logits=logits, score=score)


def scores(drawn: list[DrawnMask], *, at: FittedPrompt | None = None) -> list[float]:
    return [each.score for each in with_agreement(drawn, at or click(5.5, 5.5), image_size=64)]


def test_what_lies_between_the_others_is_first_whatever_is_predicted() -> None:
    part, thing, group = scores([square(30, score=0.9), square(44, score=0.2), square(60, score=0.5)])
    assert thing > max(part, group)
    assert all(0 < one <= 1 for one in (part, thing, group))


def test_the_same_thing_in_two_regions_agrees() -> None:
    half = Region(left=0, top=0, right=200, bottom=200, width=400, height=400)
    small, same, other = scores([square(40), square(80, region=half), square(120)])
    assert small == pytest.approx(same, abs=0.02)
    assert other < small


def test_a_mask_that_is_only_just_one_counts_less() -> None:
    sure, unsure = scores([square(40), square(40, sure=1.0)])
    assert sure > unsure + 0.2


def test_a_mask_that_the_click_is_off_is_last() -> None:
    off = DrawnMask(region=WHOLE, logits=square(40).logits[::-1, ::-1].copy(), score=1.0)
    assert np.argmin(scores([square(40), off, square(20)])) == 1
