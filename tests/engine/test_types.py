"""What is refused of requests, and the hashes of their parts."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import mask_sha256
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest

HEIGHT, WIDTH = 70, 140
IMAGE = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


def take(mask: np.ndarray, **changes: object) -> ObjectRequest:
    return ObjectRequest(**{"name": "dog", "mask": mask, "seed": 1, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((HEIGHT, WIDTH), dtype=bool), "mask of 'dog' is empty: select an object or paint one"),
        (np.full((HEIGHT, WIDTH), 0.4, dtype=np.float32), "mask of 'dog' is empty"),
        (np.ones((WIDTH, HEIGHT), dtype=bool), "mask of 'dog' is 70 x 140 pixels, the image 140 x 70 pixels"),
        (np.full((HEIGHT, WIDTH), np.nan, dtype=np.float32), "values outside 0 to 1"),
        (np.full((HEIGHT, WIDTH), 1.5, dtype=np.float32), "values outside 0 to 1"),
        (np.full((HEIGHT, WIDTH), -1.0, dtype=np.float32), "values outside 0 to 1"),
    ],
)
def test_unusable_mask_is_refused_by_name(mask, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        GenerationRequest(image=IMAGE, takes=(take(mask),)).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"takes": ()}, "nothing to generate"),
        ({"image": IMAGE[..., 0]}, r"image is uint8\[70, 140\]"),
        ({"image": IMAGE.astype(np.float32)}, r"image is float32"),
        ({"image": IMAGE[:0]}, r"image is uint8\[0, 140, 3\]"),
        ({"takes": (take(box(0, 0, 9, 9), seed=-1),)}, "seed of 'dog' is -1: choose from 0 to 9223372036854775807"),
        ({"takes": (take(box(0, 0, 9, 9), seed=2**63),)}, "seed of 'dog'"),
    ],
)
def test_value_out_of_range_is_refused(changes, message: str) -> None:
    request = {"image": IMAGE, "takes": (take(box(0, 0, 9, 9)),), **changes}
    with pytest.raises(ValueError, match=message):
        GenerationRequest(**request).check()


def test_mask_hash_is_that_of_the_domain_where_the_mask_is_bool() -> None:
    mask = box(3, 4, 50, 60)
    assert take(mask).mask_sha256 == take(mask.astype(np.float32)).mask_sha256 == mask_sha256(mask)
    soft = mask * np.float32(0.7)
    assert take(soft).mask_sha256 != take(mask).mask_sha256
    assert take(soft).mask_sha256 == take(np.asfortranarray(soft)).mask_sha256
