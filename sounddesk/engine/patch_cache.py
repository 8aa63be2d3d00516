"""Patches of the images encoded last, so that a second take of the same image does not encode it again."""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from torch import Tensor

from sounddesk.engine.types import RgbImage


def hash_image(image: RgbImage) -> str:
    """Sha256 of the image's size and pixels."""
    digest = hashlib.sha256(struct.pack("<II", *image.shape[:2]))
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


class PatchCache:
    """The `limit` image encodings used last, by image hash. Not thread-safe; the session holds its lock."""

    def __init__(self, limit: int = 8) -> None:
        self._limit = limit
        self._entries: OrderedDict[str, Tensor] = OrderedDict()

    def get(self, key: str, encode: Callable[[], Tensor]) -> Tensor:
        """The patches of image `key`, encoded by `encode` when they are not here."""
        patches = self._entries.pop(key, None)
        if patches is None:
            patches = encode()
        self._entries[key] = patches
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return patches

    def clear(self) -> None:
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
