from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.segmenters import protocol
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.grabcut_masks import WorkMask
from sounddesk.engine.segmenters.grabcut_masks import distinct
from sounddesk.engine.segmenters.grabcut_solver import Seeds
from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import full_size_probability
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.grabcut_solver import make_crop
from sounddesk.engine.segmenters.grabcut_solver import make_work_image
from sounddesk.engine.segmenters.grabcut_solver import plant
from sounddesk.engine.segmenters.grabcut_solver import run_grabcut
from sounddesk.engine.segmenters.grabcut_solver import window_around
from sounddesk.engine.segmenters.mask_quality import WEIGHTS
from sounddesk.engine.segmenters.mask_quality import measure
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.mask_quality import predicted_iou
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from tests.engine.segmenters.plain_scene import HEIGHT
from tests.engine.segmenters.plain_scene import WIDTH
from tests.engine.segmenters.plain_scene import scene


@pytest.fixture(scope="module")
def encoded() -> protocol.EncodedImage:
    return GrabCutSegmenter().encode(scene()[0])


def best(encoded: protocol.EncodedImage, prompt: Prompt) -> np.ndarray:
    return GrabCutSegmenter().predict(encoded, prompt)[0].mask


def tiny_segmenter() -> GrabCutSegmenter:
    """For the contract."""
    return GrabCutSegmenter()


def test_one_click_selects_the_object(encoded: protocol.EncodedImage) -> None:
    _, ball, bar = scene()
    assert overlap(best(encoded, Prompt.click(100, 100)), ball) > 0.93
    assert overlap(best(encoded, Prompt.click(245, 100)), bar) > 0.93


def test_candidates_are_best_first_distinct_and_consistent(encoded: protocol.EncodedImage) -> None:
    candidates = GrabCutSegmenter().predict(encoded, Prompt.click(120, 100))
    assert 1 <= len(candidates) <= 3
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    for candidate in candidates:
        assert candidate.mask.shape == candidate.probability.shape == (HEIGHT, WIDTH)
        assert candidate.mask.dtype == np.bool_
        assert candidate.probability.dtype == np.float32
        assert np.array_equal(candidate.mask, candidate.probability >= 0.5)
        assert 0 <= candidate.score <= 1
        assert candidate.mask[100, 120]


def test_box_selects_what_is_in_it(encoded: protocol.EncodedImage) -> None:
    _, ball, bar = scene()
    (candidate,) = GrabCutSegmenter().predict(encoded, Prompt(box=(52, 52, 148, 148)))
    assert overlap(candidate.mask, ball) > 0.93
    assert overlap(best(encoded, Prompt(box=(200, 50, 290, 160))), bar) > 0.93


def test_scribble_selects_what_is_under_it(encoded: protocol.EncodedImage) -> None:
    _, ball, _ = scene()
    assert overlap(best(encoded, Prompt(positive_scribbles=(((75, 100), (125, 105)),))), ball) > 0.9


def test_two_clicks_select_both_parts(encoded: protocol.EncodedImage) -> None:
    _, ball, _ = scene()
    mask = best(encoded, Prompt(points=((80, 100), (125, 100)), labels=(True, True)))
    assert overlap(mask, ball) > 0.9


def test_negative_click_takes_away(encoded: protocol.EncodedImage) -> None:
    _, ball, _ = scene()
    yellow = ball & (np.arange(WIDTH)[None, :] > 112)
    prompt = Prompt(points=((80, 100), (125, 100)), labels=(True, False), box=(52, 52, 148, 148))
    mask = best(encoded, prompt)
    assert not mask[100, 125]
    assert (mask & yellow).sum() < 0.2 * yellow.sum()
    assert overlap(mask, ball & ~yellow) > 0.75


def test_mask_hint_is_snapped_to_the_object(encoded: protocol.EncodedImage) -> None:
    _, ball, _ = scene()
    rough = np.zeros((HEIGHT, WIDTH), bool)
    rough[70:140, 65:130] = True
    mask = best(encoded, Prompt(mask_hint=rough))
    assert overlap(mask, ball) > 0.93 > overlap(rough, ball)


def test_hint_grows_by_a_positive_and_shrinks_by_a_negative_click(encoded: protocol.EncodedImage) -> None:
    _, ball, _ = scene()
    red = ball & (np.arange(WIDTH)[None, :] <= 110)
    mask = best(encoded, Prompt(mask_hint=red, points=((125, 100),), labels=(True,)))
    assert mask[100, 125]
    assert overlap(mask, ball) > 0.9
    shrunk = best(encoded, Prompt(mask_hint=ball, points=((125, 100),), labels=(False,)))
    assert not shrunk[100, 125]


def test_tiny_hint_does_not_vanish(encoded: protocol.EncodedImage) -> None:
    speck = np.zeros((HEIGHT, WIDTH), bool)
    speck[100, 100] = True
    assert best(encoded, Prompt(mask_hint=speck)).any()


def test_large_image_gets_sharp_edges() -> None:
    image, ball, _ = scene(scale=4)
    mask = best(GrabCutSegmenter().encode(image), Prompt.click(400, 400))
    assert mask.shape == (800, 1280)
    assert overlap(mask, ball) > 0.97


@pytest.mark.slow
def test_same_prompt_gives_the_same_mask_in_any_thread_and_order(encoded: protocol.EncodedImage) -> None:
    segmenter = GrabCutSegmenter()
    first = segmenter.predict(encoded, Prompt.click(90, 90))
    segmenter.predict(encoded, Prompt.click(250, 100))
    answers: list[np.ndarray] = []

    def work() -> None:
        answers.append(segmenter.predict(encoded, Prompt.click(90, 90))[0].probability)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 3
    assert all(np.array_equal(first[0].probability, answer) for answer in answers)


def test_click_outside_is_refused(encoded: protocol.EncodedImage) -> None:
    with pytest.raises(PromptError, match="click at 320,5 is outside the image of 320 x 200 px"):
        GrabCutSegmenter().predict(encoded, Prompt.click(320, 5))


@pytest.mark.slow
def test_flat_image_has_no_object() -> None:
    segmenter = GrabCutSegmenter()
    flat = segmenter.encode(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    try:
        candidates = segmenter.predict(flat, Prompt.click(100, 100))
    except EmptySelectionError as error:
        assert "click nearer its middle, draw a box around it or paint the mask" in str(error)
    else:
        # With nothing to go by, whatever disc comes back must not claim to be a good answer.
        assert candidates[0].score < 0.5


def test_negative_click_on_the_only_positive_one_leaves_nothing(encoded: protocol.EncodedImage) -> None:
    prompt = Prompt(points=((100, 100), (100, 100)), labels=(True, False))
    with pytest.raises(EmptySelectionError, match="draw a box"):
        GrabCutSegmenter().predict(encoded, prompt)


def test_above_24_megapixels_one_candidate_remains(
    encoded: protocol.EncodedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_PIXELS_FOR_ALTERNATIVES", 10)
    assert len(GrabCutSegmenter().predict(encoded, Prompt.click(120, 100))) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.slow
def test_any_prompt_inside_gives_a_valid_mask_or_the_error(data: st.DataObject, encoded: protocol.EncodedImage) -> None:
    point = st.tuples(st.floats(0, WIDTH, exclude_max=True), st.floats(0, HEIGHT, exclude_max=True))
    points = data.draw(st.lists(st.tuples(point, st.booleans()), max_size=3))
    left, top = data.draw(st.floats(0, WIDTH - 2)), data.draw(st.floats(0, HEIGHT - 2))
    right, bottom = data.draw(st.floats(left + 1, WIDTH)), data.draw(st.floats(top + 1, HEIGHT))
    box = (left, top, right, bottom) if data.draw(st.booleans()) else None
    prompt = Prompt(points=tuple(p for p, _ in points), labels=tuple(label for _, label in points), box=box)
    try:
        candidates = GrabCutSegmenter().predict(encoded, prompt)
    except (PromptError, EmptySelectionError):
        return
    for candidate in candidates:
        assert candidate.mask.any()
        assert candidate.mask.shape == (HEIGHT, WIDTH)
        assert np.array_equal(candidate.mask, candidate.probability >= 0.5)


@pytest.mark.parametrize("size", [(16, 16), (16, 600), (600, 16)])
def test_smallest_and_longest_images(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, np.uint8)
    image[4:12, 4:12] = (200, 20, 20)
    segmenter = GrabCutSegmenter()
    encoded_image = segmenter.encode(image)
    assert segmenter.predict(encoded_image, Prompt(box=(2, 2, 14, 14)))[0].mask.shape == size
    segmenter.predict(encoded_image, Prompt.click(8, 8))


# ------------------------------------------------------------------ pieces


def test_points_keep_their_place_through_work_and_crop() -> None:
    work = make_work_image(scene(scale=4)[0])
    assert work.size == (320, 512)
    ((x, y),) = work.to_work(((640, 400),))
    assert (x, y) == pytest.approx((256, 160))
    crop = make_crop(work, window_around((200, 100, 300, 200), margin=10, work=work), side_px=242)
    assert crop.window == (190, 90, 311, 211)
    assert crop.scale == 2
    assert crop.to_crop((200, 100)) == (20, 20)
    distance = crop.distance_from((250.5, 150.5))
    assert distance[121, 121] == pytest.approx(0.25 * np.sqrt(2), abs=1e-5)


def test_crop_and_back_keeps_a_mask() -> None:
    work = make_work_image(scene()[0])
    _, ball, _ = scene()
    for side in (60, 192):
        crop = make_crop(work, window_around((60, 60, 140, 140), margin=5, work=work), side_px=side)
        assert overlap(crop.expand(crop.shrink(ball), work.size), ball) > (0.9 if side < 90 else 0.97)


def test_window_stays_inside_the_image() -> None:
    work = make_work_image(scene()[0])
    assert window_around((-50, -50, 500, 500), margin=5, work=work) == (0, 0, WIDTH, HEIGHT)
    left, top, right, bottom = window_around((319.9, 199.9, 319.9, 199.9), margin=0, work=work)
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT


def test_seeds_are_planted_and_negative_ones_win() -> None:
    work = make_work_image(scene()[0])
    crop = make_crop(work, (0, 0, 100, 100), side_px=100)
    trimap = np.full(crop.size, cv2.GC_PR_BGD, np.uint8)
    plant(trimap, crop, Seeds(positive=((10, 10), (50, 50)), negative=((50, 50), (500, 500))), radius_px=2)
    assert trimap[10, 10] == cv2.GC_FGD
    assert trimap[50, 50] == cv2.GC_BGD
    assert np.count_nonzero(trimap == cv2.GC_BGD) < 25


def test_one_sided_trimap_needs_no_cut() -> None:
    work = make_work_image(scene()[0])
    crop = make_crop(work, (0, 0, 100, 100), side_px=50)
    assert run_grabcut(crop, np.full(crop.size, cv2.GC_PR_FGD, np.uint8), iterations=1).all()
    assert not run_grabcut(crop, np.full(crop.size, cv2.GC_BGD, np.uint8), iterations=1).any()


def test_parts_under_points_are_kept() -> None:
    mask = np.zeros((20, 40), bool)
    mask[2:10, 2:10] = mask[2:10, 20:30] = mask[15:16, 0:2] = True
    only = keep_parts(mask, [(5, 5)], least_share=0.1)
    assert only[5, 5]
    assert not only[5, 25]
    assert np.array_equal(keep_parts(mask, [(5, 5), (25, 5), (1, 15)], least_share=0.1), mask)
    assert not keep_parts(mask, [(15, 15)], least_share=0.1).any()
    without = keep_parts(mask, (), least_share=0.1)
    assert without[5, 5]
    assert without[5, 25]
    assert not without[15, 0]
    empty = np.zeros((5, 5), bool)
    assert not keep_parts(empty, [(1, 1)], least_share=0.1).any()


def test_holes_are_filled_save_those_clicked_away() -> None:
    mask = np.ones((20, 30), bool)
    mask[5:8, 5:8] = mask[5:8, 15:18] = mask[:3, 25:] = False
    filled = fill_holes(mask)
    assert filled[6, 6]
    assert filled[6, 16]
    assert not filled[1, 28]
    kept = fill_holes(mask, except_at=[(6.5, 6.5), (100, 100), (10, 10)])
    assert not kept[6, 6]
    assert kept[6, 16]


@settings(max_examples=50, deadline=None)
@given(bits=st.binary(min_size=120, max_size=120))
def test_filling_never_removes_and_is_idempotent(bits: bytes) -> None:
    mask = (np.frombuffer(bits, np.uint8) & 1).astype(bool).reshape(10, 12)
    filled = fill_holes(mask)
    assert (filled | mask == filled).all()
    assert np.array_equal(fill_holes(filled), filled)


def test_bounds() -> None:
    mask = np.zeros((10, 12), bool)
    mask[3:5, 7:11] = True
    assert bounds_of(mask) == (7, 3, 11, 5)


def test_probability_follows_the_full_size_edge() -> None:
    image, ball, _ = scene(scale=4)
    work = make_work_image(image)
    small = cv2.resize(ball.astype(np.float32), work.size[::-1], interpolation=cv2.INTER_AREA) > 0.5
    probability = full_size_probability(image, work, small)
    assert probability.shape == ball.shape
    assert probability.min() >= 0
    assert probability.max() <= 1
    plain = cv2.resize(small.astype(np.float32), ball.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0.5
    assert overlap(probability >= 0.5, ball) > overlap(plain, ball)
    assert overlap(probability >= 0.5, ball) > 0.985


def test_full_mask_stays_full() -> None:
    image = scene()[0]
    work = make_work_image(image)
    assert (full_size_probability(image, work, np.ones(work.size, bool)) >= 0.5).all()


def test_overlap() -> None:
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert overlap(one, other) == 0
    one[:2] = True
    other[1:3] = True
    assert overlap(one, other) == pytest.approx(4 / 12)


def test_true_mask_is_predicted_better_than_wrong_ones() -> None:
    image, ball, _ = scene()
    work = make_work_image(image)
    shifted = np.roll(ball, 30, axis=1)
    grass = np.zeros_like(ball)
    grass[150:190, 20:90] = True
    score = {
        name: predicted_iou(measure(work, mask, agreement=0.9))
        for name, mask in {"true": ball, "shifted": shifted, "grass": grass, "all": np.ones_like(ball)}.items()
    }
    assert score["true"] > max(score["shifted"], score["grass"], score["all"]) + 0.1
    assert set(measure(work, ball, agreement=1)) == set(WEIGHTS)


def test_measures_of_a_disc_are_what_geometry_says() -> None:
    image, ball, _ = scene()
    measures = measure(make_work_image(image), ball, agreement=0.25)
    assert measures["agreement"] == 0.25
    assert measures["touches_border"] == 0
    assert measures["border_share"] == 0
    assert measures["area"] == pytest.approx(np.pi * 40**2 / (WIDTH * HEIGHT), rel=0.01)
    assert measures["ring_likeness"] < 0.1
    assert measures["edge_over_outside"] > 0
    corner = np.zeros_like(ball)
    corner[:50, :50] = True
    touching = measure(make_work_image(image), corner, agreement=0)
    assert touching["touches_border"] == 1
    assert touching["border_share"] == 1.0


def test_distinct_drops_what_looks_the_same() -> None:
    big, same, small = np.zeros((10, 10), bool), np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    big[:], same[:, :9], small[:3, :3] = True, True, True
    found = [WorkMask(mask=mask, score=score) for mask, score in ((big, 0.9), (same, 0.8), (small, 0.7))]
    assert [choice.score for choice in distinct(found, count=3, same=0.85)] == [0.9, 0.7]
    assert [choice.score for choice in distinct(found, count=1, same=0.85)] == [0.9]
