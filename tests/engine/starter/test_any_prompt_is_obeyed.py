"""Any prompt of up to ten clicks: with a network that knows nothing every click is obeyed all the same."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.segmenter import StarterSegmenter
from tests.engine.starter.tiny_segmenter import tiny_encoder
from tests.engine.starter.tiny_segmenter import tiny_network

SIZES = ((50, 130), (130, 50), (96, 96), (9, 300))
SHARE = st.floats(0, 0.999)
CLICK = st.tuples(SHARE, SHARE, st.booleans())


@cache
def segmenter(seed: int) -> StarterSegmenter:
    encoder = tiny_encoder()
    return StarterSegmenter(tiny_network(encoder, seed=seed), encoder)


@cache
def encoded(size: tuple[int, int], seed: int) -> EncodedImage:
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    return segmenter(seed).encode(image)


@settings(max_examples=20, deadline=None)
@given(
    size=st.sampled_from(SIZES),
    seed=st.integers(0, 2),
    first=CLICK,
    others=st.lists(CLICK, max_size=9),
    boxed=st.booleans(),
    hinted=st.booleans(),
)
def test_every_click_of_any_prompt_is_obeyed(
    size: tuple[int, int],
    seed: int,
    first: tuple[float, float, bool],
    others: list[tuple[float, float, bool]],
    boxed: bool,
    hinted: bool,
) -> None:
    image = encoded(size, seed)
    clicks = [(x * image.width, y * image.height, label) for x, y, label in ((*first[:2], True), *others)]
    hint = np.zeros(size, bool)
    hint[: size[0] // 2, : size[1] // 3] = True
    prompt = Prompt(
        points=tuple((x, y) for x, y, _ in clicks),
        labels=tuple(label for _, _, label in clicks),
        box=(1.0, 1.0, image.width - 2.0, image.height - 2.0) if boxed else None,
        mask_hint=hint if hinted else None,
    )
    try:
        candidates = segmenter(seed).predict(image, prompt)
    except EmptySelectionError:
        # A single click on nothing: it says so instead of making a disc an object.
        assert prompt.is_single_click or len(clicks) == 1
        return
    on = {(int(y), int(x)) for x, y, label in clicks if label}
    off = {(int(y), int(x)) for x, y, label in clicks if not label} - on
    for each in candidates:
        assert all(each.mask[pixel] for pixel in on)
        assert not any(each.mask[pixel] for pixel in off)
