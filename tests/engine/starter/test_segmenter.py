"""The starter's segmenter at tiny size with random weights: everything but how good its masks are."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_refiner import GUESS_BOUND
from sounddesk.engine.starter.segmenter_refiner import RegionRefiner
from sounddesk.engine.types import BundleError
from tests.engine.starter.tiny_segmenter import IMAGE_SIZE
from tests.engine.starter.tiny_segmenter import tiny_encoder
from tests.engine.starter.tiny_segmenter import tiny_network
from tests.tiny_bundle import build_tiny_bundle

WIDE = (50, 130)  # H, W
CLICKS = Prompt(points=((30, 20), (100, 40), (60, 10)), labels=(True, False, True))


def picture(size: tuple[int, int] = WIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def tiny_segmenter(**options: Any) -> StarterSegmenter:
    encoder = tiny_encoder()
    return StarterSegmenter(tiny_network(encoder), encoder, **options)


def network_that_answers(monkeypatch: pytest.MonkeyPatch, logits: np.ndarray, scores: list[float]) -> list[int]:
    """Make every decoder give these masks [4, S, S], and refiners leave them so; the number of clicks of each pass."""
    passes: list[int] = []

    def decode(_self: Any, _embedding: Any, *, points: torch.Tensor, **_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        passes.append(points.shape[1])
        count = len(points)
        return torch.from_numpy(logits)[None].repeat(count, 1, 1, 1), torch.tensor([scores] * count)

    def refine(_self: Any, _pixels: Any, _taps: Any, hints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return hints[:, 0], torch.tensor(scores[: len(hints)])

    monkeypatch.setattr(StarterSegmenterNetwork, "decode", decode)
    monkeypatch.setattr(RegionRefiner, "forward", refine)
    return passes


def blob(rows: slice, columns: slice) -> np.ndarray:
    side = IMAGE_SIZE // 4
    logits = np.full((side, side), -5.0, np.float32)
    logits[rows, columns] = 5.0
    return logits


def check(candidate: Candidate, size: tuple[int, int]) -> None:
    assert candidate.mask.shape == candidate.probability.shape == size
    assert candidate.mask.dtype == np.bool_
    assert candidate.probability.dtype == np.float32
    assert candidate.mask.any()
    assert np.array_equal(candidate.mask, candidate.probability >= 0.5)
    assert 0 <= candidate.score <= 1


@pytest.mark.parametrize("size", [WIDE, (130, 50), (96, 96), (7, 300)])
@pytest.mark.parametrize("prompt", [Prompt.click(5, 3), Prompt(box=(1, 1, 40, 6)), CLICKS])
def test_masks_have_the_size_of_the_image(size: tuple[int, int], prompt: Prompt) -> None:
    segmenter = tiny_segmenter()
    if prompt is CLICKS:
        prompt = Prompt(
            points=tuple((x * size[1] / 130, y * size[0] / 50) for x, y in CLICKS.points), labels=CLICKS.labels
        )
    candidates = segmenter.predict(segmenter.encode(picture(size)), prompt)
    assert 1 <= len(candidates) <= (3 if prompt.is_single_click else 1)
    for candidate in candidates:
        check(candidate, size)


def test_a_mask_lies_where_the_squashed_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # The right third of the squashed square, its upper half.
    mask = blob(slice(0, 12), slice(16, 24))
    network_that_answers(monkeypatch, np.stack([mask] * 4), [0.5] * 4)
    segmenter = tiny_segmenter()
    (candidate,) = segmenter.predict(segmenter.encode(picture((60, 240))), Prompt(box=(150, 0, 240, 40)))
    rows, columns = np.nonzero(candidate.mask)
    assert rows.min() == 0
    assert rows.max() + 1 == pytest.approx(30, abs=2)
    assert columns.min() == pytest.approx(160, abs=3)
    assert columns.max() + 1 == 240


def test_a_click_gives_different_candidates_best_first(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large, elsewhere = (blob(slice(0, n), slice(0, n)) for n in (4, 12, 24))
    almost = large.copy()
    almost[0, 0] = -5
    network_that_answers(monkeypatch, np.stack([small, large, almost, elsewhere]), [0.2, 0.6, 0.9, 0.4])
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture())
    candidates = segmenter.predict(encoded, Prompt.click(9, 9))
    sizes = [int(candidate.mask.sum()) for candidate in candidates]
    assert sizes[1] < sizes[0] < sizes[2] or sizes[2] < sizes[0] < sizes[1], "what lies between the others is first"
    assert [candidate.score for candidate in candidates] == sorted((each.score for each in candidates), reverse=True)


def test_a_box_is_read_with_its_middle_clicked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = network_that_answers(monkeypatch, np.stack([blob(slice(0, 12), slice(0, 12))] * 4), [0.2, 0.6, 0.9, 0.4])
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture())
    (boxed,) = segmenter.predict(encoded, Prompt(box=(0, 0, 65, 25)))
    assert passes == [0, 1]
    assert boxed.score == pytest.approx(0.6), "of two readings that fit alike the one with the higher predicted overlap"
    segmenter.predict(encoded, Prompt(box=(0, 0, 65, 25), points=((5, 5),), labels=(True,)))
    assert passes == [0, 1, 1]


def test_a_huge_image_gives_one_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.stack([blob(slice(0, n), slice(0, n)) for n in (4, 12, 20, 24)])
    network_that_answers(monkeypatch, masks, [0.2, 0.6, 0.9, 0.4])
    monkeypatch.setattr("sounddesk.engine.segmenters.protocol.MAX_PIXELS_FOR_ALTERNATIVES", 100)
    segmenter = tiny_segmenter()
    assert len(segmenter.predict(segmenter.encode(picture()), Prompt.click(9, 9))) == 1


def test_nothing_found_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    network_that_answers(monkeypatch, np.full((4, 24, 24), -5, np.float32), [0.5] * 4)
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture())
    for prompt in (Prompt.click(9, 9), Prompt(box=(0, 0, 30, 30))):
        with pytest.raises(EmptySelectionError, match="click nearer"):
            segmenter.predict(encoded, prompt)


def test_a_prompt_costs_one_pass_whatever_the_order_of_its_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = network_that_answers(monkeypatch, np.stack([blob(slice(0, 9), slice(0, 9))] * 4), [0.5] * 4)
    fresh = tiny_segmenter()
    encoded = fresh.encode(picture())
    for count in (1, 2, 3, 2, 3):
        fresh.predict(encoded, Prompt(points=CLICKS.points[:count], labels=CLICKS.labels[:count]))
    fresh.predict(encoded, Prompt(points=CLICKS.points[::-1], labels=CLICKS.labels[::-1]))
    assert passes == [1, 2, 3]
    # Also where there are hundreds: time goes by their number, not by its square.
    many = tuple((1.0 + number % 20, 1.0 + number // 20) for number in range(400))
    fresh.predict(encoded, Prompt(points=many, labels=(1,) * 400))
    assert passes == [1, 2, 3, 400]


def test_a_region_grows_until_the_mask_does_not_touch_its_border(monkeypatch: pytest.MonkeyPatch) -> None:
    # The decoder sees the left part of a long thing, the refiner all that is in its region.
    guess = blob(slice(8, 16), slice(2, 6))
    network_that_answers(monkeypatch, np.stack([guess] * 4), [0.5] * 4)
    regions: list[Region] = []
    hints_of = StarterSegmenter._hints

    def told(self: Any, guess: np.ndarray, region: Region, prompt: Any) -> np.ndarray:
        regions.append(region)
        whole = blob(slice(8, 16), slice(2, 20))
        return hints_of(self, whole, region, prompt)

    monkeypatch.setattr(StarterSegmenter, "_hints", told)
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture((240, 240)))
    mask = segmenter.predict(encoded, Prompt(points=((40, 120), (200, 20)), labels=(True, False)))[0].mask
    columns = np.flatnonzero(mask.any(axis=0))
    assert columns[0] == pytest.approx(20, abs=3)
    assert columns[-1] == pytest.approx(200, abs=3)
    assert 2 <= len(regions) <= 4
    assert all(now.right > before.right for before, now in pairwise(regions))
    assert len({(region.top, region.bottom) for region in regions}) == 1, "it grows where the mask is cut only"


def test_a_box_is_drawn_twice_the_second_time_knowing_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[torch.Tensor] = []
    real = RegionRefiner.forward

    def refine(self: Any, pixels: Any, taps: Any, hints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        known.append(hints[:, 1].clone())
        logits, scores = real(self, pixels, taps, hints)
        drawn.append(logits)
        return logits, scores

    drawn: list[torch.Tensor] = []
    monkeypatch.setattr("sounddesk.engine.starter.segmenter._MOST_GROWTHS", 0)
    monkeypatch.setattr("sounddesk.engine.starter.box_fit._MOST_SPILT", 0)
    monkeypatch.setattr(RegionRefiner, "forward", refine)
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture())
    segmenter.predict(encoded, Prompt(box=(10, 5, 90, 45)))
    assert len(known) == 2
    assert (known[0] == 0).all()
    assert torch.equal(known[1], drawn[0].clamp(-GUESS_BOUND, GUESS_BOUND))
    segmenter.predict(encoded, Prompt.click(30, 20))
    assert len(known) == 3


def test_an_image_is_encoded_once_whatever_the_thread() -> None:
    segmenter = tiny_segmenter(cached_images=2)
    calls: list[int] = []
    segmenter._network.pyramid.register_forward_hook(lambda *_: calls.append(1))
    threads = [threading.Thread(target=segmenter.encode, args=(picture(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    for seed in (1, 2, 0):
        segmenter.encode(picture(seed=seed))
    assert len(calls) == 4, "the oldest of three images was given up"


def test_prompts_are_checked() -> None:
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture())
    with pytest.raises(PromptError, match="outside"):
        segmenter.predict(encoded, Prompt.click(130, 3))
    with pytest.raises(PromptError):
        segmenter.predict(encoded, Prompt())
    with pytest.raises(ValueError, match="uint8"):
        segmenter.encode(picture().astype(np.float32))


def test_the_first_proposal_comes_before_the_rest_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder finds one thing on the left and one on the right, whichever is clicked on."""
    asked: list[int] = []
    left, right = blob(slice(4, 14), slice(2, 9)), blob(slice(8, 20), slice(14, 22))
    network_that_answers(monkeypatch, np.stack([left] * 4), [0.9] * 4)

    def decode(_self: Any, _embedding: Any, *, points: torch.Tensor, **_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(len(points))
        masks = np.stack([np.stack([left if x < IMAGE_SIZE / 2 else right] * 4) for x in points[:, 0, 0].tolist()])
        return torch.from_numpy(masks), torch.full((len(points), 4), 0.9)

    monkeypatch.setattr(StarterSegmenterNetwork, "decode", decode)
    segmenter = tiny_segmenter()
    search = segmenter.propose(segmenter.encode(picture()))
    first = next(search)
    assert [count for count in asked if count > 1] == [16]
    rest = list(search)
    assert sum(count for count in asked if count > 1) == 8 * 8 + 11 * 11
    assert len(rest) == 1 and not (rest[0].mask & first.mask).any()


def test_a_mask_is_one_piece_under_the_click_without_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    clicked, elsewhere = blob(slice(2, 14), slice(2, 14)), blob(slice(2, 6), slice(18, 24))
    both = np.maximum(clicked, elsewhere)
    both[7:9, 7:9] = -8
    network_that_answers(monkeypatch, np.stack([both] * 4), [0.9, 0.8, 0.7, 0.6])
    segmenter = tiny_segmenter()
    encoded = segmenter.encode(picture())
    width, height = encoded.width, encoded.height
    in_cells = lambda x, y: Prompt.click(x / 24 * width, y / 24 * height)  # noqa: E731
    mask = segmenter.predict(encoded, in_cells(4, 4))[0].mask
    assert mask[int(8 / 24 * height), int(8 / 24 * width)], "the hole is filled"
    assert not mask[int(4 / 24 * height), int(21 / 24 * width)], "the other piece is gone"
    other = segmenter.predict(encoded, in_cells(21, 4))[0].mask
    assert other[int(4 / 24 * height), int(21 / 24 * width)]
    assert not other[int(4 / 24 * height), int(4 / 24 * width)]


def test_another_image_encoder_is_refused() -> None:
    encoder = tiny_encoder(seed=0)
    with pytest.raises(SegmenterError, match="another image encoder"):
        StarterSegmenter(tiny_network(encoder), tiny_encoder(seed=1))
    with pytest.raises(SegmenterError, match="96 px.*128 px"):
        StarterSegmenter(tiny_network(encoder), tiny_encoder(image_size=128))


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_bundle(tmp_path_factory.mktemp("bundles"), segmenter=True)


def test_from_a_bundle_and_its_patches_serve_the_session(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture((70, 90))
    with EngineSession.open(bundle=bundle_folder, device="cpu") as alone:
        alone.load()
        expected = alone.encode_image(image)
    segmenter = StarterSegmenter.from_bundle(Bundle.open(bundle_folder))
    assert segmenter.name == "starter segmenter"
    with EngineSession.open(bundle=bundle_folder, device="cpu") as session:
        session.load()
        segmenter.encode(image)
        monkeypatch.setattr("sounddesk.engine.models.image_encoder.TimmPatchEncoder.encode", None)
        assert np.array_equal(session.encode_image(image), expected)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = build_tiny_bundle(tmp_path, segmenter=True)
    weights = folder / "segmenter" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(BundleError, match=r"segmenter/model\.safetensors"):
        StarterSegmenter.from_bundle(Bundle.open(folder))
    # What is not loaded is not read.
    weights.write_bytes(bytes(data[:-1]) + bytes([data[-1] ^ 1]))
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    StarterSegmenter.from_bundle(Bundle.open(folder))
