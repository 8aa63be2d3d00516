from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.grabcut_search import grid_points
from sounddesk.engine.segmenters.grabcut_search import search_objects
from sounddesk.engine.segmenters.grabcut_solver import make_work_image
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.proposals import choose_distinct
from sounddesk.engine.segmenters.proposals import propose_objects
from sounddesk.engine.segmenters.proposals import same_object
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.sam import ProposalSettings
from sounddesk.engine.segmenters.sam import SamSegmenter
from tests.engine.segmenters.plain_scene import HEIGHT
from tests.engine.segmenters.plain_scene import WIDTH
from tests.engine.segmenters.plain_scene import scene
from tests.engine.segmenters.tiny_sam import tiny_sam


def small_scene() -> tuple[np.ndarray, ...]:
    """Every second pixel of the scene: a search costs a quarter."""
    return tuple(np.ascontiguousarray(each[::2, ::2]) for each in scene())


@pytest.mark.slow
def test_finds_both_objects_of_a_scene_first() -> None:
    image, ball, bar = small_scene()
    proposals = propose_objects(image, segmenter=GrabCutSegmenter(), limit=2)
    assert len(proposals) == 2
    for truth in (ball, bar):
        assert max(overlap(proposal.mask, truth) for proposal in proposals) > 0.85
    assert proposals[0].score >= proposals[1].score


@pytest.mark.slow
def test_flat_image_has_nothing_to_propose() -> None:
    with pytest.raises(EmptySelectionError, match="click on one, draw a box or paint a mask"):
        propose_objects(np.full((HEIGHT // 2, WIDTH // 2, 3), 90, np.uint8), segmenter=GrabCutSegmenter())


def test_grid_covers_the_image() -> None:
    for shape in ((200, 320, 3), (16, 16, 3), (16, 400, 3)):
        work = make_work_image(np.zeros(shape, np.uint8))
        points = grid_points(work)
        assert points
        height, width = work.size
        assert all(0 <= x < width and 0 <= y < height for x, y in points)
    assert len(set(grid_points(make_work_image(scene()[0])))) > 30


@pytest.mark.slow
def test_search_is_deterministic() -> None:
    work = make_work_image(small_scene()[0])
    one, other = search_objects(work), search_objects(work)
    assert [each.score for each in one] == [each.score for each in other]
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(one, other, strict=True))


def test_sam_proposes_with_its_own_generator() -> None:
    every = ProposalSettings(points_per_side=3, min_predicted_iou=-10, min_stability=0)
    image = scene()[0]
    proposals = propose_objects(image, segmenter=SamSegmenter(tiny_sam(), proposals=every), limit=3)
    assert 1 <= len(proposals) <= 3
    assert all(proposal.mask.shape == image.shape[:2] for proposal in proposals)
    strict = SamSegmenter(tiny_sam(), proposals=ProposalSettings(points_per_side=3, min_predicted_iou=2.0))
    with pytest.raises(EmptySelectionError):
        propose_objects(image, segmenter=strict)


def test_limit_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        propose_objects(scene()[0], segmenter=GrabCutSegmenter(), limit=0)


def square(left: int, top: int, side: int, score: float) -> Candidate:
    mask = np.zeros((100, 100), bool)
    mask[top : top + side, left : left + side] = True
    return Candidate(mask=mask, probability=mask.astype(np.float32), score=score)


def test_no_object_twice_no_speck_and_no_whole_scene() -> None:
    first = square(10, 10, 30, 0.9)
    part = square(12, 12, 10, 0.8)
    shifted = square(14, 14, 30, 0.7)
    speck = square(80, 80, 3, 0.6)
    everything = square(0, 0, 95, 0.5)
    second = square(60, 60, 20, 0.4)
    third = square(60, 10, 20, 0.3)
    found = [first, part, shifted, speck, everything, second, third]
    assert choose_distinct(found, limit=5) == [first, second, third]
    assert choose_distinct(found, limit=2) == [first, second]
    assert same_object(first.mask, part.mask)
    assert same_object(first.mask, shifted.mask)
    assert not same_object(first.mask, second.mask)
