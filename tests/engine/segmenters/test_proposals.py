from __future__ import annotations

import numpy as np
import pytest

from sounddesk.engine.images.suggested_objects import suggested_objects
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.grabcut_search import grid_points
from sounddesk.engine.segmenters.grabcut_search import search_objects
from sounddesk.engine.segmenters.grabcut_solver import make_work_image
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.proposals import same_object
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.segmenters.sam import ProposalSettings
from sounddesk.engine.segmenters.sam import SamSegmenter
from sounddesk.engine.segmenters.suggestions import suggest_objects
from tests.engine.segmenters.plain_scene import HEIGHT
from tests.engine.segmenters.plain_scene import WIDTH
from tests.engine.segmenters.plain_scene import scene
from tests.engine.segmenters.tiny_sam import tiny_sam


def proposed(image: np.ndarray, segmenter: ProposesObjects, *, limit: int = 5) -> list[Candidate]:
    found = suggest_objects(segmenter.encode(image), segmenter=segmenter, limit=limit)
    return [each.candidate for each in found]


def small_scene() -> tuple[np.ndarray, ...]:
    """Every second pixel of the scene: a search costs a quarter."""
    return tuple(np.ascontiguousarray(each[::2, ::2]) for each in scene())


@pytest.mark.slow
def test_finds_both_objects_of_a_scene_first() -> None:
    image, ball, bar = small_scene()
    proposals = proposed(image, GrabCutSegmenter(), limit=2)
    assert len(proposals) == 2
    for truth in (ball, bar):
        assert max(overlap(proposal.mask, truth) for proposal in proposals) > 0.85
    assert proposals[0].score >= proposals[1].score


@pytest.mark.slow
def test_flat_image_has_nothing_to_propose() -> None:
    with pytest.raises(EmptySelectionError, match="click on one, draw a box or paint a mask"):
        suggested_objects(np.full((HEIGHT // 2, WIDTH // 2, 3), 90, np.uint8), segmenter=GrabCutSegmenter())


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
    proposals = proposed(image, SamSegmenter(tiny_sam(), proposals=every), limit=3)
    assert 1 <= len(proposals) <= 3
    assert all(proposal.mask.shape == image.shape[:2] for proposal in proposals)
    strict = SamSegmenter(tiny_sam(), proposals=ProposalSettings(points_per_side=3, min_predicted_iou=2.0))
    assert proposed(image, strict) == []


def square(left: int, top: int, side: int, score: float) -> Candidate:
    mask = np.zeros((100, 100), bool)
    mask[top : top + side, left : left + side] = True
    return Candidate(mask=mask, probability=mask.astype(np.float32), score=score)


def test_a_part_and_a_shifted_mask_are_the_same_object() -> None:
    first = square(10, 10, 30, 0.9)
    assert same_object(first.mask, square(12, 12, 10, 0.8).mask)
    assert same_object(first.mask, square(14, 14, 30, 0.7).mask)
    assert not same_object(first.mask, square(60, 60, 20, 0.4).mask)
