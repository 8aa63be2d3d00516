"""Patches of the images encoded last, so that a second take of the same image does not encode it again."""

from __future__ import annotations

import threading
import weakref

from torch import Tensor

from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.engine.bundles.bundle_manifest import ComponentEntry


class PatchCache:
    """The `limit` image encodings used last, by image hash. Safe to use from several threads.

    The segmenter leaves the patches of what it encodes here too.
    """

    def __init__(self, limit: int = 8) -> None:
        self._entries = BoundedCache[str, Tensor](max_items=limit)

    def get(self, key: str) -> Tensor | None:
        """The patches of image `key`; None where they are not here."""
        return self._entries.get(key)

    def put(self, key: str, patches: Tensor) -> None:
        """Keep the patches of image `key`, and forget those that were asked for least lately beyond the limit."""
        self._entries.put(key, patches)

    def clear(self) -> None:
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


_SHARED: weakref.WeakValueDictionary[tuple[str, ...], PatchCache] = weakref.WeakValueDictionary()
_SHARED_LOCK = threading.Lock()


def shared_patch_cache(encoder: ComponentEntry) -> PatchCache:
    """The one cache of this process for an image encoder with these files, for as long as anybody holds it.

    The segmenter and the session encode the same image with the same weights; the second finds what the first made.
    """
    key = (encoder.class_name, *(f"{path} {entry.sha256}" for path, entry in sorted(encoder.files.items())))
    with _SHARED_LOCK:
        cache = _SHARED.get(key)
        if cache is None:
            cache = _SHARED[key] = PatchCache()
        return cache
