from __future__ import annotations

import numpy as np

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.derived_scales import with_derived_scales
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.starter.segmenter_prompts import fit_prompt

SIDE = 128
# An image of which the region is the middle.
REGION = Region(left=100, top=100, right=300, bottom=300, width=400, height=400)


def fitted() -> FittedPrompt:
    return fit_prompt(Prompt.click(200.5, 200.5), width=400, height=400, image_size=64, mask_side=16)


def hill(slope: float) -> DrawnMask:
    """Surest in the middle, falling off evenly: 0 at 20 cells from it."""
    down, across = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    logits = (20 - np.hypot(down, across)) * slope
    return DrawnMask(region=REGION, logits=logits.astype(np.float32), score=0.8)


def areas(found: list[DrawnMask]) -> list[int]:
    return [int((each.logits > 0).sum()) for each in found]


def derive(drawn: list[DrawnMask], *, most: int = 3) -> list[DrawnMask]:
    return with_derived_scales(drawn, fitted(), most=most, same=0.85, image_size=64)


def test_one_thing_gets_a_part_and_a_group_around_the_click() -> None:
    best = hill(0.3)
    found = derive([best])
    thing, part, group = areas(found)
    assert part < 0.3 * thing < thing < 0.5 * group
    assert found[0] is best
    assert all(0 < each.score < best.score for each in found[1:])
    middle = SIDE // 2
    assert all(each.logits[middle, middle] > 0 for each in found)


def test_a_sure_answer_has_no_other_reading() -> None:
    assert len(derive([hill(3.0)])) == 1


def test_what_the_network_tells_apart_itself_comes_first() -> None:
    assert len(derive([hill(0.3), hill(0.3), hill(0.3)])) == 3
    assert len(derive([hill(0.3)], most=1)) == 1


def test_a_group_that_its_region_would_cut_off_is_left_out() -> None:
    assert len(derive([hill(0.08)])) == 1
