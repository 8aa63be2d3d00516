from __future__ import annotations

import numpy as np
import pytest

from sounddesk.domain.selection import SCALES
from sounddesk.domain.selection import Selection
from sounddesk.engine.images.scene_objects import prompted_masks
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.scales import index_of_scale
from sounddesk.engine.segmenters.scales import scales_of
from tests.flood_segmenter import CART_AREA
from tests.flood_segmenter import LOAD_AREA
from tests.flood_segmenter import WHEEL
from tests.flood_segmenter import WHEEL_AREA
from tests.flood_segmenter import FloodSegmenter
from tests.flood_segmenter import picture


def no_prompter() -> Prompter:
    raise AssertionError("nothing is selected by words")


def square(side: int) -> Candidate:
    probability = np.zeros((20, 20), np.float32)
    probability[:side, :side] = 0.9
    return Candidate(mask=probability >= 0.5, probability=probability, score=0.5)


@pytest.mark.parametrize(
    ("sides", "scales"),
    [
        ((5,), ("thing",)),
        ((5, 9), ("thing", "group")),
        ((9, 5), ("thing", "part")),
        ((9, 5, 14), ("thing", "part", "group")),
        ((14, 9, 5), ("group", "thing", "part")),
        ((5, 5, 5), ("part", "thing", "group")),
        ((9, 5, 14, 18), ("thing", "part", "group", "group")),
        ((), ()),
    ],
)
def test_the_scale_follows_from_the_size(sides: tuple[int, ...], scales: tuple[str, ...]) -> None:
    assert scales_of([square(side) for side in sides]) == scales


def test_what_is_not_there_is_the_best() -> None:
    assert index_of_scale(("group", "part"), "thing") == 0
    assert index_of_scale(("group", "part"), "part") == 1
    assert index_of_scale(("group", "part"), None) == 0


def test_a_selection_names_the_candidate_of_its_click() -> None:
    from sounddesk.domain.selection import Click
    from sounddesk.domain.selection import ObjectSpec

    click = (Click(x=WHEEL[0], y=WHEEL[1]),)
    specs = [
        ObjectSpec(name=str(scale), selection=Selection(how="clicks", clicks=click, candidate=scale))
        for scale in (None, *SCALES)
    ]
    found = prompted_masks(specs, image=picture(), segmenter=FloodSegmenter(), open_prompter=no_prompter)
    cart = CART_AREA + WHEEL_AREA
    areas = {name: int((coverage >= 128).sum()) for name, coverage in found.items()}
    assert areas == {"None": cart, "part": WHEEL_AREA, "thing": cart, "group": cart + LOAD_AREA}
