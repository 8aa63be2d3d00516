"""From logits on cells to masks and probabilities at image size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.soft_edge import soft_mask
from sounddesk.engine.starter.drawn_mask import DrawnCandidate
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import candidate_of
from sounddesk.engine.starter.drawn_mask import fill_mask
from sounddesk.engine.starter.drawn_mask import fill_probability
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter_prompts import fit_prompt

WIDTH, HEIGHT = 320, 200


def logits_of_blobs(side: int = 24) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    logits = 30 * cv2.GaussianBlur(noise, (0, 0), 2) - 2
    logits[:, 3 * side // 4 :] = -9
    return logits.astype(np.float32)


@pytest.mark.parametrize("size", [(150, 230), (24, 24), (9, 300)])
def test_filled_as_opencv_enlarges(size: tuple[int, int]) -> None:
    logits = logits_of_blobs()
    plain = cv2.resize(logits, size[::-1], interpolation=cv2.INTER_LINEAR)
    mask, probability = np.zeros(size, bool), np.zeros(size, np.float32)
    fill_mask(logits, mask)
    fill_probability(logits, probability)
    assert 0.05 < mask.mean() < 0.6
    assert np.array_equal(mask, probability >= 0.5)
    assert np.array_equal(mask, plain >= 0)
    expected = 1 / (1 + np.exp(-plain))
    # Half a step of a mask of bytes.
    assert np.abs(probability - expected).max() < 0.5 / 255
    assert not probability[:, -size[1] // 5 :].any()


def test_a_logit_that_rounds_to_a_half_is_on_one_side_in_both() -> None:
    logits = np.full((4, 4), -1e-7, np.float32)
    logits[:, 2:] = 0
    mask, probability = np.zeros((4, 4), bool), np.zeros((4, 4), np.float32)
    fill_mask(logits, mask)
    fill_probability(logits, probability)
    assert mask.tolist() == (probability >= 0.5).tolist() == [[False, False, True, True]] * 4


def candidate(prompt: Prompt, region: Region, logits: np.ndarray) -> Candidate | None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    encoded = EncodedImage(image=image, sha256="", segmenter="", features=None)
    fitted = fit_prompt(prompt, width=WIDTH, height=HEIGHT, image_size=160, mask_side=40)
    return candidate_of(encoded, DrawnMask(region=region, logits=logits, score=0.7), fitted)


def test_clicks_are_obeyed_outside_of_the_region_too() -> None:
    region = Region(left=100, top=50, right=180, bottom=130, width=WIDTH, height=HEIGHT)
    logits = np.full((16, 16), 3, np.float32)
    prompt = Prompt(points=((99.5, 60.5), (140.5, 90.5), (3.5, 4.5)), labels=(True, False, False))
    found = candidate(prompt, region, logits)
    assert found is not None
    assert found.within is not None
    assert found.mask[60, 99]
    assert not found.mask[90, 140]
    assert not found.mask[4, 3]
    assert np.array_equal(found.mask, found.probability >= 0.5)
    assert found.mask[52:128, 102:178].mean() > 0.98
    left, top, right, bottom = found.within
    outside = found.probability.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any()


def test_nothing_at_a_click_is_no_candidate_and_probability_is_made_once() -> None:
    region = Region(left=100, top=50, right=180, bottom=130, width=WIDTH, height=HEIGHT)
    assert candidate(Prompt.click(140, 90), region, np.full((16, 16), -3, np.float32)) is None
    found = candidate(Prompt.click(140, 90), region, np.full((16, 16), 3, np.float32))
    assert found is not None
    assert found.probability is found.probability
    assert found.score == 0.7


def test_a_mask_is_kept_as_its_probability_would_be() -> None:
    region = Region(left=100, top=50, right=180, bottom=130, width=WIDTH, height=HEIGHT)
    logits = np.random.default_rng(0).normal(0, 3, (16, 16)).astype(np.float32)
    found = candidate(Prompt.click(140, 90), region, logits)
    assert isinstance(found, DrawnCandidate)
    soft, whole = found.soft_mask(), np.zeros((HEIGHT, WIDTH), np.uint8)
    assert soft is not None
    rows, columns = soft.pixels.shape
    whole[soft.top : soft.top + rows, soft.left : soft.left + columns] = soft.pixels
    wanted = soft_mask(found.probability)
    assert wanted is not None
    beside = np.zeros_like(whole)
    rows, columns = wanted.pixels.shape
    beside[wanted.top : wanted.top + rows, wanted.left : wanted.left + columns] = wanted.pixels
    assert np.array_equal(whole >= 128, found.mask)
    # Rounding may take a pixel across the border between edge and inside; no other differs.
    assert np.abs(whole.astype(int) - beside).max() <= 1 or (whole != beside).mean() < 1e-4
    assert 0.05 < np.isin(whole, (0, 255), invert=True)[50:130, 100:180].mean() < 0.9


def test_a_candidate_with_another_score_is_still_as_it_was_drawn() -> None:
    region = Region(left=100, top=50, right=180, bottom=130, width=WIDTH, height=HEIGHT)
    found = candidate(Prompt.click(140, 90), region, np.full((16, 16), 3, np.float32))
    assert found is not None
    made = found.with_score(0.4)
    assert (made.score, made.within) == (0.4, found.within)
    assert np.array_equal(made.probability, found.probability)


def test_a_mask_is_drawn_when_it_is_asked_for_and_obeys_as_if_it_had_been_before() -> None:
    """Of the candidates of a click most are never looked at; clicks near an edge still have to be tried on the mask."""
    region = Region(left=100, top=50, right=187, bottom=131, width=WIDTH, height=HEIGHT)
    random = np.random.default_rng(1)
    undrawn = 0
    for _ in range(60):
        logits = logits_of_blobs(16) + np.float32(random.choice([0.0, 2.0]))
        count = int(random.integers(1, 4))
        points = tuple((float(x), float(y)) for x, y in random.uniform((95, 45), (190, 135), (count, 2)))
        prompt = Prompt(points=points, labels=(True, *(bool(each) for each in random.integers(0, 2, count - 1))))
        plain = np.zeros((HEIGHT, WIDTH), bool)
        fill_mask(logits, plain[region.rows, region.columns])
        obeyed = all(plain[int(y), int(x)] == label for (x, y), label in zip(points, prompt.labels, strict=True))
        found = candidate(prompt, region, logits)
        assert found is not None
        assert found.size == plain.shape
        assert np.array_equal(found.mask, plain) == obeyed
        if isinstance(found, DrawnCandidate):
            again = candidate(prompt, region, logits)
            assert again is not None
            undrawn += "mask" not in vars(again)
            assert again.area_px == pytest.approx(int(np.count_nonzero(plain)), rel=0.05, abs=20)
            assert again.area_px == found.area_px, "drawn or not, so that its scale stays"
    assert 5 < undrawn < 60
