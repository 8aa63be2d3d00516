"""The segmenter that ships, on pictures of the repository: clicks anywhere are obeyed, in any order."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.resources_folder import resource
from tests.engine.segmenters.plain_scene import scene

PICTURES = ("demo", "plain", "noise")


@cache
def encoded(name: str) -> tuple[StarterSegmenter, EncodedImage]:
    segmenter = shipped()
    if name == "demo":
        image = load_image(resource("demo/scene.webp")).pixels
    elif name == "plain":
        image = scene()[0]
    else:
        image = np.random.default_rng(0).integers(0, 256, (90, 200, 3), dtype=np.uint8)
    return segmenter, segmenter.encode(image)


@cache
def shipped() -> StarterSegmenter:
    return StarterSegmenter.from_bundle(find_bundle(SHIPPED_BUNDLE))


CLICK = st.tuples(st.floats(0, 0.999), st.floats(0, 0.999), st.booleans())


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
@settings(max_examples=6, deadline=None)
@given(first=CLICK, others=st.lists(CLICK, max_size=9), data=st.data())
def test_clicks_anywhere_are_obeyed_in_any_order(
    name: str,
    first: tuple[float, float, bool],
    others: list[tuple[float, float, bool]],
    data: st.DataObject,
) -> None:
    segmenter, image = encoded(name)
    clicks = [(x * image.width, y * image.height, label) for x, y, label in ((*first[:2], True), *others)]
    pixels = [(int(y), int(x)) for x, y, _ in clicks]
    taken = {pixel for pixel, click in zip(pixels, clicks, strict=True) if click[2]}
    try:
        mask = segmenter.predict(image, prompt_of(clicks))[0].mask
    except EmptySelectionError:
        assert len(clicks) == 1
        return
    for pixel in pixels:
        assert mask[pixel] == (pixel in taken)
    shuffled = data.draw(st.permutations(clicks))
    assert np.array_equal(segmenter.predict(image, prompt_of(shuffled))[0].mask, mask)


def prompt_of(clicks: list[tuple[float, float, bool]]) -> Prompt:
    return Prompt(points=tuple((x, y) for x, y, _ in clicks), labels=tuple(label for _, _, label in clicks))
