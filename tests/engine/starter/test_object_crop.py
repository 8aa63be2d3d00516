"""The enlarged crop of one object, and what it does to a take's condition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.starter.object_crop import encode_crops
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from tests.tiny_bundle import build_tiny_bundle

HEIGHT, WIDTH = 60, 90


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


def painted(mask: np.ndarray) -> np.ndarray:
    """A red object on grey."""
    image = np.full((*mask.shape, 3), 120, dtype=np.uint8)
    image[mask] = (255, 0, 0)
    return image


@given(
    left=st.integers(0, WIDTH - 2),
    top=st.integers(0, HEIGHT - 2),
    width=st.integers(1, WIDTH),
    height=st.integers(1, HEIGHT),
    side=st.sampled_from([16, 64, 200]),
)
@settings(max_examples=60, deadline=None)
def test_the_object_fills_the_crop_and_its_mask_lies_on_it(
    left: int, top: int, width: int, height: int, side: int
) -> None:
    mask = box(left, top, min(WIDTH, left + width), min(HEIGHT, top + height))
    image = painted(mask)
    crop = crop_object(image, mask, side=side)
    assert crop.pixels.shape == (side, side, 3)
    assert crop.pixels.dtype == np.uint8
    assert crop.mask.shape == (side, side)
    assert 0.0 <= crop.mask.min() <= crop.mask.max() <= 1.0
    sure = crop.mask > 0.99
    assert np.abs(crop.pixels[sure].astype(int) - (255, 0, 0)).max(initial=0) < 12
    assert (crop.pixels[crop.mask == 0.0] == 235).all()
    longest = max(min(WIDTH, left + width) - left, min(HEIGHT, top + height) - top)
    scale = side / max(1.15 * longest, 16.0)
    # A pixel or two may fall between the crop's; nothing is lost of them.
    assert crop.mask.sum() > 0
    if scale * longest >= 4:
        length = max(int((crop.mask > 0.4 * crop.mask.max()).any(axis=axis).sum()) for axis in (0, 1))
        # Enlarged edges are as soft as a pixel of the image is wide.
        assert length == pytest.approx(scale * longest, abs=2.0 + scale)


def test_the_object_lies_in_the_middle_also_at_the_edge_of_the_image() -> None:
    crop = crop_object(painted(box(0, 0, 20, 20)), box(0, 0, 20, 20), side=100)
    rows, columns = np.nonzero(crop.mask > 0.5)
    assert rows.mean() == pytest.approx(49.5, abs=1.0)
    assert columns.mean() == pytest.approx(49.5, abs=1.0)
    assert (crop.pixels[50, 1] == 235).all()
    assert crop.mask[50, 1] == 0.0


def test_the_outline_at_the_edge_of_the_image_has_nothing_dark_from_beyond() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 200, dtype=np.uint8)
    crop = crop_object(image, box(0, 0, 20, 20), side=100)
    assert crop.pixels.min() >= 199


def test_what_is_less_likely_than_not_lies_under_the_paper() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    mask = np.full((HEIGHT, WIDTH), 0.3, dtype=np.float32)
    mask[10:50, 20:60] = 0.7
    crop = crop_object(image, mask, side=100)
    assert (crop.pixels[50, 50] == 90).all()
    assert (crop.pixels[1, 1] == 235).all()
    assert crop.mask[50, 50] == pytest.approx(0.7)


def test_a_large_object_is_shrunk_by_means_of_its_pixels() -> None:
    stripes = np.zeros((400, 400, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    crop = crop_object(stripes, np.ones((400, 400), dtype=bool), side=40)
    assert abs(crop.pixels[5:35, 5:35].astype(float) - 100).max() < 12


def request(*masks: np.ndarray, kind: str = "object") -> GenerationRequest:
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    takes = tuple(
        ObjectRequest(name=f"thing {index}", mask=mask, seed=1, kind=kind)  # type: ignore[arg-type]
        for index, mask in enumerate(masks)
    )
    return GenerationRequest(image=image, takes=takes, seconds=1.0, sampling=SamplingSettings(steps=2))


def open_session(folder: Path) -> EngineSession:
    options = {"prototypes": 3, "classes": 4, "kinds": 3, "prototype_temperature": 1.0, "closer_look": True}
    return EngineSession.open(bundle=build_tiny_bundle(folder, **options), device="cpu")


def test_shares_are_the_mean_of_both_looks_and_the_classes_judge_the_closer_one(tmp_path: Path) -> None:
    asked, blended = request(box(20, 10, 50, 40)), request(box(20, 10, 50, 40), kind="blend")
    (take,), (blend,) = asked.takes, blended.takes
    with open_session(tmp_path) as session:
        both = session.condition(asked.image, take).condition
        blend_of_near = session.condition(asked.image, blend).condition
        assert session.is_loaded
        conditioner = session._opened.networks.components.conditioner
        encoder = session._opened.networks.components.image_encoder.network
        crop = crop_object(asked.image, take.mask, side=crop_side(encoder))
        _, logits = encode_crops(encoder, [crop.pixels])
        coverage = patch_coverage(crop.mask, grid=conditioner.config.grid)
        weights = rescale_to_attention(coverage / coverage.max(), attention_std=conditioner.attention_std())
        prior = conditioner.class_prior(torch.from_numpy(weights)[None], logits)[0].exp().numpy()
        # The same networks without a crop.
        conditioner.config = replace(conditioner.config, closer_look=False, classes=0, kinds=0)
        whole = session.condition(asked.image, take).condition
        alone = session.condition(crop.pixels, ObjectRequest(name="x", mask=crop.mask, seed=1)).condition
        assert np.array_equal(session.condition(asked.image, blend).condition, blend_of_near)
        prototypes = conditioner.get_buffer("prototypes").numpy()
    assert not np.allclose(both, whole, atol=1e-4)

    def shares(condition: np.ndarray) -> np.ndarray:
        """Of unit length mixtures of three prototypes, up to scale."""
        found = np.linalg.lstsq(prototypes.T, condition, rcond=None)[0]
        return found / found.sum()

    # The tiny encoder averages nothing (pool 1), so a region is encoded just as an image is.
    expected = np.sqrt(shares(whole) * shares(alone)) * prior
    np.testing.assert_allclose(shares(both), expected / expected.sum(), atol=1e-3)


def test_a_take_does_not_depend_on_what_else_is_asked_for(tmp_path: Path) -> None:
    masks = box(20, 10, 50, 40), box(55, 20, 85, 55)
    with open_session(tmp_path) as session:
        alone = [session.generate(request(mask))[0].waveform for mask in masks]
        together = [take.waveform for take in session.generate(request(*masks))]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_one_mask_is_looked_at_once_however_many_takes_it_has(tmp_path: Path) -> None:
    mask = box(20, 10, 50, 40)
    with open_session(tmp_path) as session:
        session.encode_image(request(mask).image)
        assert session.is_loaded
        encoder = session._opened.networks.components.image_encoder.network
        calls: list[int] = []
        hook = encoder.backbone.conv_stem.register_forward_hook(lambda *_: calls.append(1))
        session.generate(request(mask, mask.copy(), box(55, 20, 85, 55)))
        hook.remove()
    assert len(calls) == 2
