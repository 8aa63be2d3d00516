from __future__ import annotations

import numpy as np
import torch

from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.types import image_sha256


def test_cache_encodes_once_and_forgets_the_image_used_longest_ago() -> None:
    cache = PatchCache(limit=2)
    encoded: list[str] = []

    def get(key: str) -> torch.Tensor:
        patches = cache.get(key)
        if patches is None:
            encoded.append(key)
            cache.put(key, patches := torch.tensor([float(ord(key))]))
        return patches

    for key in "abaca":
        assert get(key) == ord(key)
    assert encoded == ["a", "b", "c"]
    get("b")
    assert encoded == ["a", "b", "c", "b"]
    assert len(cache) == 2
    cache.clear()
    assert len(cache) == 0


def test_hash_follows_pixels_and_shape_not_memory_order() -> None:
    image = np.arange(2 * 6 * 3, dtype=np.uint8).reshape(2, 6, 3)
    assert image_sha256(image) == image_sha256(np.asfortranarray(image))
    assert image_sha256(image) != image_sha256(image.reshape(6, 2, 3))
    other = image.copy()
    other[0, 0, 0] += 1
    assert image_sha256(image) != image_sha256(other)
