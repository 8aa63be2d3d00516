"""The one cache of things that cost much to make: bounded, safe to use from several threads.

Not `cachetools`: its caches are neither safe between threads nor do they let one thread wait for what another one is
making, and without these two nothing is left but the two lines that forget.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable
from typing import Generic
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """The values used last, by key; what was used longest ago is forgotten first.

    Args:
        max_items: how many values are kept at most; None for no such bound.
        max_bytes: how much the values may take together, by `size_bytes`; None for no such bound.
        size_bytes: size of a value; needed with `max_bytes`.

    Raises:
        ValueError: no bound at all, a negative one, or `max_bytes` without `size_bytes`.

    Example:
        >>> cache = BoundedCache[str, int](max_items=2)
        >>> cache.get_or_make("a", lambda: 1)
        1
        >>> cache.put("b", 2)
        >>> cache.put("c", 3)
        >>> cache.get("a") is None, len(cache)
        (True, 2)
    """

    def __init__(
        self,
        *,
        max_items: int | None = None,
        max_bytes: int | None = None,
        size_bytes: Callable[[V], int] | None = None,
    ) -> None:
        if max_items is None and max_bytes is None:
            raise ValueError("a cache without a bound: give max_items or max_bytes")
        if min(max_items or 0, max_bytes or 0) < 0:
            raise ValueError(f"max_items is {max_items}, max_bytes {max_bytes}: give 0 or more")
        if max_bytes is not None and size_bytes is None:
            raise ValueError("max_bytes needs size_bytes, which measures a value")
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._size_bytes = size_bytes
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0
        # Reentrant, so that whoever makes a value may look up another one.
        self._lock = threading.RLock()

    def get(self, key: K) -> V | None:
        """The value of `key`, which counts as used now; None where there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V) -> None:
        """Keep `value` under `key` in place of what was there."""
        size = 0 if self._size_bytes is None else self._size_bytes(value)
        with self._lock:
            self._drop(key)
            self._entries[key] = (value, size)
            self._bytes += size
            while self._entries and self._is_over():
                self._drop(next(iter(self._entries)))

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`, made by `make` where it is not here.

        Only one value is made at a time: two threads that ask for the same one do not both make it, and whoever asks
        for another one waits too. What `make` raises is passed on and nothing is kept.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry[0]
            value = make()
            self.put(key, value)
            return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._entries

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    @property
    def total_bytes(self) -> int:
        """What the values take together, by `size_bytes`; 0 where there is no such measure."""
        with self._lock:
            return self._bytes

    def _is_over(self) -> bool:
        many = self._max_items is not None and len(self._entries) > self._max_items
        return many or (self._max_bytes is not None and self._bytes > self._max_bytes)

    def _drop(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry[1]
