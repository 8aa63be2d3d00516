"""The guided filter moves edges, and leaves alone what it should."""

from __future__ import annotations

import numpy as np

from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import on_edges
from sounddesk.engine.starter.guided_filter import ColourGuide
from sounddesk.engine.starter.region import whole_image


def two_colours(edge: int) -> np.ndarray:
    """Of the same brightness, so that a grey filter would see no edge."""
    image = np.empty((48, 48, 3), np.uint8)
    image[:, :edge] = (200, 50, 80)
    image[:, edge:] = (50, 130, 80)
    return image


def test_an_edge_moves_onto_that_of_the_colours() -> None:
    probability = np.zeros((48, 48), np.float32)
    probability[:, 22:] = 1  # two pixels too early
    followed = ColourGuide(two_colours(24)).follow(probability)
    assert abs(int((followed[24] > 0.5).argmax()) - 24) <= 1
    assert np.diff(followed[24]).argmax() == 23, "the steepest step lies between the colours"
    assert followed.min() >= 0
    assert followed.max() <= 1


def test_an_image_without_edges_leaves_the_middle_of_things() -> None:
    probability = np.zeros((48, 48), np.float32)
    probability[:, 24:] = 1
    followed = ColourGuide(np.full((48, 48, 3), 90, np.uint8)).follow(probability)
    assert ((followed > 0.5) == (probability > 0.5)).all()
    np.testing.assert_allclose(followed[:, :14], 0, atol=1e-4)
    np.testing.assert_allclose(followed[:, 34:], 1, atol=1e-4)


def test_a_drawn_mask_becomes_as_fine_as_its_pixels() -> None:
    logits = np.full((24, 24), -6.0, np.float32)
    logits[:, 12:] = 6.0
    drawn = DrawnMask(region=whole_image(width=48, height=48), logits=logits, score=0.5)
    fine = on_edges(drawn, ColourGuide(two_colours(24)))
    assert fine.logits.shape == (48, 48)
    assert fine.region == drawn.region
    assert ((fine.logits[24] > 0) == (np.arange(48) >= 24)).all()
    assert np.isfinite(fine.logits).all()
