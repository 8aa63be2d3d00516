"""How many forms a study takes from one address, so that nobody fills the disk with listeners or guesses codes."""

from __future__ import annotations

import threading
from typing import Final

MOST_POSTS: Final = 120
"""In a minute from one address. A room of 100 listeners behind one router posts some 70."""
WINDOW_S: Final = 60.0
_MOST_ADDRESSES: Final = 4096


class PostLimit:
    """Counts the posts of each address in stretches of a minute; may be used by several threads.

    Example:
        >>> limit = PostLimit(most=1)
        >>> limit.refused("10.0.0.1", now=0.0), limit.refused("10.0.0.1", now=59.0), limit.refused("10.0.0.1", now=60.0)
        (0, 1, 0)
    """

    def __init__(self, *, most: int = MOST_POSTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}

    def refused(self, address: str, *, now: float) -> int:
        """Count one post at `now` s; how many posts the address is over its limit, 0 where this one is accepted."""
        with self._lock:
            began, count = self._counts.get(address, (now, 0))
            if now - began >= WINDOW_S:
                began, count = now, 0
            if address not in self._counts and len(self._counts) >= _MOST_ADDRESSES:
                self._counts = {key: each for key, each in self._counts.items() if now - each[0] < WINDOW_S}
                if len(self._counts) >= _MOST_ADDRESSES:
                    self._counts.clear()
            self._counts[address] = (began, count + 1)
            return max(0, count + 1 - self._most)
